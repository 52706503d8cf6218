//! A chart: plot, crosshair with tooltip, legend, a table of the same numbers and a spoken summary, in a height that never changes.
import { useId, useMemo, useState, type CSSProperties, type ReactNode } from 'react'
import { ChartSkeleton } from './ChartSkeleton'
import { ChartTable } from './ChartTable'
import { Legend } from './Legend'
import { clicked } from './legend-state'
import { folded, seriesTotal } from './model'
import { PlotArea } from './PlotArea'
import { summaryOf } from './summary'
import type { Band, ChartSeries, Kind, Model, NamedSeries, Unit } from './types'
import { shortText } from './units'

/** Height of a line of the legend, CSS pixels. */
const LINE_PX = 22

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

/** A phone is half as wide: one line more. Fixed either way, so that names that come and go move nothing. */
function legendHeights(lines: number): CSSProperties {
  return { '--lines': `${lines * LINE_PX}px`, '--narrow': `${(lines + 1) * LINE_PX}px` } as CSSProperties
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
      <Caption {...props} asTable={asTable} onTable={() => setAsTable(!asTable)} />
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
        <PlotArea
          model={model}
          label={label}
          height={height}
          below={legendLines * LINE_PX + 6}
          overlay={props.overlay}
          onZoom={props.onZoom}
          onZoomReset={props.onZoomReset}
          onHover={setHovered}
        />
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

interface CaptionProps extends Pick<ChartProps, 'title' | 'label' | 'note' | 'actions' | 'loading'> {
  asTable: boolean
  onTable(): void
}

function Caption({ title, label, note, actions, loading, asTable, onTable }: CaptionProps) {
  return (
    <figcaption className="mb-1.5 flex h-6 min-w-0 items-center gap-3">
      {title !== null && <h2 className="shrink-0 text-[13px] font-semibold text-ink">{title ?? label}</h2>}
      <span className="min-w-0 flex-1 truncate text-xs text-muted">{note}</span>
      {actions}
      <button
        type="button"
        aria-pressed={asTable}
        disabled={loading}
        onClick={onTable}
        className="shrink-0 rounded-md px-1.5 py-0.5 text-xs text-muted hover:bg-hover hover:text-ink aria-pressed:bg-hover aria-pressed:text-ink"
      >
        Table<span className="sr-only"> of {label}</span>
      </button>
    </figcaption>
  )
}
