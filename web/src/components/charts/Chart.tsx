//! A chart: plot, crosshair with tooltip, legend, a table of the same numbers and a spoken summary, in a height that never changes.
import { useCallback, useId, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent, type ReactNode } from 'react'
import { ChartSkeleton } from './ChartSkeleton'
import { walked, type Walk } from './keys'
import { Legend } from './Legend'
import { clicked } from './legend-state'
import { PanelMessage } from './PanelMessage'
import { bucketAt, folded, seriesTotal } from './model'
import { summaryOf } from './summary'
import { ChartTable } from './ChartTable'
import { bucketTitle, Tooltip } from './Tooltip'
import type { Band, ChartSeries, Kind, Model, NamedSeries, Unit } from './types'
import { shortText, valueText } from './units'
import { usePlot } from './use-plot'

export interface ChartProps {
  kind: Kind
  /** Starts of equally wide buckets, ms. */
  times: ArrayLike<number>
  /** Width of a bucket, ms. Absent: the distance of the first two. */
  stepMs?: number
  /** Lowest of the stack first. Over eight: the top seven and `Other`. */
  series: readonly ChartSeries[]
  /** What the values are; `count` where absent. */
  unit?: Unit
  /** CSS pixels of the plot with its axes. */
  height: number
  /** What the chart is about: its name for screen readers, and its heading unless `title` is given. */
  label: string
  /** Null: no heading, where the panel around has one. */
  title?: ReactNode
  /** Small print behind the title. */
  note?: ReactNode
  /** At the right of the header, before the table button. */
  actions?: ReactNode
  /** Spoken instead of the summary that is made from the numbers. */
  summary?: string
  band?: Band
  /** Called with whole buckets (ms) after a drag, or Enter on a selection made by keys. */
  onZoom?(from: number, to: number): void
  /** Called on a double click. */
  onZoomReset?(): void
  /** Lines of the legend that have room; 0 leaves it out. */
  legendLines?: number
  /** What stands behind names without a crosshair: the newest value, or the total (for counts, where absent). */
  legendShows?: 'last' | 'total'
  /** Nothing is known yet: a skeleton in the final layout. */
  loading?: boolean
  /** Stands over the plot: why it is empty, or what failed. */
  overlay?: ReactNode
}

function lastKnown(values: ArrayLike<number | null>): number | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i]
    if (value !== null && value !== undefined) return value
  }
  return null
}

function useModel(props: ChartProps, hidden: ReadonlySet<string>): Model {
  const { kind, times, series, unit = 'count', band } = props
  const stepMs = props.stepMs ?? (times.length > 1 ? (times[1] ?? 0) - (times[0] ?? 0) : 1000)
  const named = useMemo(() => folded(series, times.length), [series, times.length])
  return useMemo(() => ({ kind, times, stepMs, series: named, unit, hidden, band }), [kind, times, stepMs, named, unit, hidden, band])
}

export function Chart(props: ChartProps) {
  const { label, height, legendLines = 1, loading = false } = props
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [asTable, setAsTable] = useState(false)
  const [hovered, setHovered] = useState<number | null>(null)
  const model = useModel(props, hidden)
  const summaryId = useId()
  const legendShows = props.legendShows ?? (model.unit === 'count' ? 'total' : 'last')
  const text = ({ values }: NamedSeries) => {
    if (hovered !== null) return shortText(values[hovered] ?? null, model.unit)
    return shortText(legendShows === 'total' ? seriesTotal(values) : lastKnown(values), model.unit)
  }
  return (
    <figure aria-label={label} aria-describedby={loading ? undefined : summaryId} aria-busy={loading || undefined} className="relative m-0 min-w-0">
      <figcaption className="mb-1.5 flex h-6 min-w-0 items-center gap-3">
        {props.title !== null && <h2 className="shrink-0 text-[13px] font-semibold text-ink">{props.title ?? label}</h2>}
        <span className="min-w-0 flex-1 truncate text-xs text-muted">{props.note}</span>
        {props.actions}
        <button
          type="button"
          aria-pressed={asTable}
          disabled={loading}
          onClick={() => setAsTable(!asTable)}
          className="shrink-0 rounded-md px-1.5 py-0.5 text-xs text-muted hover:bg-hover hover:text-ink aria-pressed:bg-hover aria-pressed:text-ink"
        >
          Table<span className="sr-only"> of {label}</span>
        </button>
      </figcaption>
      {!loading && (
        <p id={summaryId} className="sr-only">
          {props.summary ?? summaryOf(model, label)}
        </p>
      )}
      {loading ? (
        <ChartSkeleton height={height} />
      ) : asTable ? (
        <ChartTable model={model} label={label} height={height} />
      ) : model.times.length === 0 ? (
        <div className="flex items-center justify-center" style={{ height }}>
          {props.overlay}
        </div>
      ) : (
        <PlotArea {...props} model={model} onHover={setHovered} />
      )}
      {legendLines > 0 && (
        <div className="mt-1.5 h-(--lines) pl-1 max-sm:h-(--narrow)" style={legendHeights(legendLines)}>
          {!loading && (
            <Legend
              series={model.series}
              hidden={hidden}
              text={text}
              label={`${label}: legend`}
              onToggle={(key, isolate) => setHidden((old) => clicked(old, model.series.map((one) => one.key), key, isolate))}
            />
          )}
        </div>
      )}
    </figure>
  )
}

const HEADER_PX = 30
const LINE_PX = 22

/** A phone is half as wide: one line more. Fixed either way, so that names that come and go move nothing. */
function legendHeights(lines: number): CSSProperties {
  return { '--lines': `${lines * LINE_PX}px`, '--narrow': `${(lines + 1) * LINE_PX}px` } as CSSProperties
}

function PlotArea(props: ChartProps & { model: Model; onHover(index: number | null): void }) {
  const { model, height, label, legendLines = 1, onZoom, onZoomReset, onHover } = props
  const zoom = useMemo(() => ({ onSelect: onZoom, onReset: onZoomReset }), [onZoom, onZoomReset])
  const { element, plot, hover, state } = usePlot(model, height, zoom, onHover)
  const [inside, setInside] = useState(false)
  const walk = useRef<Walk>({ at: null, anchor: null })
  const bucket = hover ? bucketAt(model, hover.index) : null

  const go = useCallback(
    (next: Walk) => {
      walk.current = next
      plot.current?.point(next.at)
      plot.current?.mark(next.anchor === null || next.at === null ? null : [next.anchor, next.at])
    },
    [plot],
  )
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const at = hover?.index ?? null
    const step = walked({ at, anchor: walk.current.anchor }, event, model.times.length, onZoom !== undefined)
    if (!step) return
    event.preventDefault()
    event.stopPropagation()
    go(step)
    if (!step.zoom) return
    const [from, to] = step.zoom.map((index) => model.times[index] ?? 0)
    onZoom?.(from ?? 0, (to ?? 0) + model.stepMs)
  }
  const last = Math.max(0, model.times.length - 1)
  const newest = model.times[last] ?? 0
  const room = HEADER_PX + height + legendLines * LINE_PX + 6
  return (
    <div
      className="relative min-w-0 rounded-sm has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent"
      style={{ height }}
    >
      <div ref={element} aria-hidden="true" className="h-full min-w-0 overflow-hidden" onPointerEnter={() => setInside(true)} onPointerLeave={() => setInside(false)} />
      <input
        type="range"
        className="sr-only"
        aria-label={`${label}: point in time`}
        aria-valuetext={bucket ? spoken(bucket, model.unit, newest) : 'No point chosen'}
        title={`Arrow keys move${onZoom ? ', with Shift they select, Enter zooms in' : ''}`}
        min={0}
        max={last}
        value={hover?.index ?? last}
        onChange={(event) => go({ at: event.target.valueAsNumber, anchor: null })}
        onFocus={() => setInside(true)}
        onBlur={() => {
          setInside(false)
          go({ at: null, anchor: null })
        }}
        onKeyDown={onKeyDown}
      />
      {state === 'waiting' && (
        <div className="absolute inset-0">
          <ChartSkeleton height={height} />
        </div>
      )}
      {state === 'failed' && (
        <div className="absolute inset-0 flex items-center justify-center">
          <PanelMessage alert title="The chart could not be drawn" action={{ name: 'Load the page again', run: () => location.reload() }}>
            Its code could not be loaded. The table has the same numbers.
          </PanelMessage>
        </div>
      )}
      {props.overlay !== undefined && (
        <div className="absolute inset-0 flex items-center justify-center">
          <div className="rounded-lg bg-surface">{props.overlay}</div>
        </div>
      )}
      {inside && hover && bucket && (
        <div className="pointer-events-none absolute inset-x-0" style={{ top: -HEADER_PX, height: room }}>
          <Tooltip
            bucket={bucket}
            unit={model.unit}
            x={hover.x}
            y={HEADER_PX + height / 2}
            area={{ width: hover.width, height: room }}
            newest={newest}
            note={model.band?.label}
          />
        </div>
      )}
    </div>
  )
}

function spoken(bucket: NonNullable<ReturnType<typeof bucketAt>>, unit: Unit, newest: number): string {
  const rows = bucket.rows.map(({ label, value }) => `${label} ${valueText(value, unit)}`).join(', ')
  const total = bucket.total === null ? '' : `total ${valueText(bucket.total, unit)}: `
  return `${bucketTitle(bucket.from, bucket.to, newest)}, ${total}${rows}`
}
