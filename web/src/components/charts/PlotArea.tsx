//! The plot of a chart with what stands over it: the tooltip, what makes it work by keyboard, and why there is nothing to see.
import { useMemo, useState, type ReactNode } from 'react'
import { ChartSkeleton } from './ChartSkeleton'
import { bucketAt, type Bucket } from './model'
import { PanelMessage } from './PanelMessage'
import { bucketTitle, Tooltip } from './Tooltip'
import type { Model, Unit } from './types'
import { valueText } from './units'
import { usePlot, type PlotHandle } from './use-plot'
import { useWalk, type Walker } from './use-walk'

export interface PlotAreaProps {
  model: Model
  label: string
  /** CSS pixels of the plot with its axes. */
  height: number
  /** CSS pixels of the chart below the plot: the tooltip may use them. */
  below: number
  overlay?: ReactNode
  onZoom?(from: number, to: number): void
  onZoomReset?(): void
  /** The bucket that the crosshair of the page stands on. */
  onHover(index: number | null): void
}

/** CSS pixels of the chart above the plot. */
const ABOVE_PX = 30

export function PlotArea({ model, label, height, below, overlay, onZoom, onZoomReset, onHover }: PlotAreaProps) {
  const zoom = useMemo(() => ({ onSelect: onZoom, onReset: onZoomReset }), [onZoom, onZoomReset])
  const { element, plot, hover, state } = usePlot(model, height, zoom, onHover)
  const [inside, setInside] = useState(false)
  const walker = useWalk(model, plot, hover?.index ?? null, onZoom)
  const bucket = hover ? bucketAt(model, hover.index) : null
  const newest = model.times[model.times.length - 1] ?? 0
  const room = ABOVE_PX + height + below
  return (
    <div
      className="relative min-w-0 rounded-sm has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent"
      style={{ height }}
    >
      <div ref={element} aria-hidden="true" className="h-full min-w-0 overflow-hidden" onPointerEnter={() => setInside(true)} onPointerLeave={() => setInside(false)} />
      <PointInput label={label} walker={walker} said={bucket ? spoken(bucket, model.unit, newest) : 'No point chosen'} onFocus={setInside} />
      <Cover state={state} height={height} overlay={overlay} />
      {inside && hover && bucket && (
        <div className="pointer-events-none absolute inset-x-0" style={{ top: -ABOVE_PX, height: room }}>
          <Tooltip
            bucket={bucket}
            unit={model.unit}
            x={hover.x}
            y={ABOVE_PX + height / 2}
            area={{ width: hover.width, height: room }}
            newest={newest}
            note={model.band?.label}
          />
        </div>
      )}
    </div>
  )
}

interface PointInputProps {
  label: string
  walker: Walker
  said: string
  onFocus(focused: boolean): void
}

/** The point in time as a range input: arrows and screen readers know what to do with one. */
function PointInput({ label, walker, said, onFocus }: PointInputProps) {
  return (
    <input
      type="range"
      className="sr-only"
      aria-label={`${label}: point in time`}
      aria-valuetext={said}
      title={walker.help}
      min={0}
      max={walker.last}
      value={walker.at ?? walker.last}
      onChange={(event) => walker.go(event.target.valueAsNumber)}
      onFocus={() => onFocus(true)}
      onBlur={() => {
        onFocus(false)
        walker.go(null)
      }}
      onKeyDown={walker.onKeyDown}
    />
  )
}

/** What stands over the plot while there is nothing to see in it. */
function Cover({ state, height, overlay }: { state: PlotHandle['state']; height: number; overlay: ReactNode }) {
  if (state === 'waiting') {
    return (
      <div className="absolute inset-0">
        <ChartSkeleton height={height} />
      </div>
    )
  }
  const failed = (
    <PanelMessage alert title="The chart could not be drawn" action={{ name: 'Load the page again', run: () => location.reload() }}>
      Its code could not be loaded. The table has the same numbers.
    </PanelMessage>
  )
  const content = state === 'failed' ? failed : overlay
  if (content === undefined) return null
  return (
    <div className="absolute inset-0 flex items-center justify-center">
      <div className="rounded-lg bg-surface">{content}</div>
    </div>
  )
}

function spoken(bucket: Bucket, unit: Unit, newest: number): string {
  const rows = bucket.rows.map(({ label, value }) => `${label} ${valueText(value, unit)}`).join(', ')
  const total = bucket.total === null ? '' : `total ${valueText(bucket.total, unit)}: `
  return `${bucketTitle(bucket.from, bucket.to, newest)}, ${total}${rows}`
}
