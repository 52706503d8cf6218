//! What a chart is given: equally wide buckets of time and one value a bucket for each series.

export interface ChartSeries {
  /** Stands for the series in the legend's state; unique within a chart. */
  key: string
  /** What people read; the key where absent. */
  label?: string
  /** Name of the colour token without the dashes, such as `info-fill` or `c0`: read from the style sheet, so that it follows the theme. */
  token: string
  /** One value a bucket; null where there is nothing to say. */
  values: ArrayLike<number | null>
}

/** A stretch of the value axis that is usual: drawn behind the lines. */
export interface Band {
  low: number
  high: number
  label: string
}

/** What values are: how they read and where the axis may be marked. */
export type Unit = 'count' | 'rate' | 'percent'

export type Kind = 'stack' | 'line'

/** Series with defaults filled in and at most eight of them. */
export interface NamedSeries extends ChartSeries {
  label: string
}

/** Everything that a plot draws; `times` are the starts of the buckets in ms. */
export interface Model {
  kind: Kind
  unit: Unit
  times: ArrayLike<number>
  stepMs: number
  series: readonly NamedSeries[]
  hidden: ReadonlySet<string>
  band?: Band
}
