//! The numbers behind a chart: which series stand in it, how they pile up, and what one bucket says.
import { OTHER } from '@/lib/series'
import type { ChartSeries, Model, NamedSeries } from './types'

/** Over so many series a chart is a tangle: the largest stay, the rest are one. */
const MOST_SERIES = 8
const OTHER_TOKEN = 'c7'

export function seriesTotal(values: ArrayLike<number | null>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0
  return total
}

function added(series: readonly ChartSeries[], length: number): Float64Array {
  const values = new Float64Array(length)
  for (const one of series) {
    for (let i = 0; i < length; i++) values[i] = (values[i] ?? 0) + (one.values[i] ?? 0)
  }
  return values
}

/** Over eight series: the seven with the most in their given order, then `Other`. */
export function folded(series: readonly ChartSeries[], length: number): NamedSeries[] {
  const named = series.map((one) => ({ ...one, label: one.label ?? one.key }))
  if (named.length <= MOST_SERIES) return named
  const ranked = named.filter(({ key }) => key !== OTHER).toSorted((a, b) => seriesTotal(b.values) - seriesTotal(a.values))
  const top = new Set(ranked.slice(0, MOST_SERIES - 1))
  const rest = named.filter((one) => !top.has(one))
  return [...named.filter((one) => top.has(one)), { key: OTHER, label: OTHER, token: OTHER_TOKEN, values: added(rest, length) }]
}

export function shown(model: Pick<Model, 'series' | 'hidden'>): NamedSeries[] {
  return model.series.filter(({ key }) => !model.hidden.has(key))
}

/** For each bucket what decides the height of the axis: the whole pile, or the highest line. Null where nothing is known. */
export function tops(model: Model): (number | null)[] {
  const series = shown(model)
  const length = model.times.length
  const found = Array.from<number | null>({ length }).fill(null)
  for (const { values } of series) {
    for (let i = 0; i < length; i++) {
      const value = values[i]
      if (value === null || value === undefined) continue
      const before = found[i] ?? 0
      found[i] = model.kind === 'stack' ? before + value : Math.max(before, value)
    }
  }
  return found
}

export interface BucketRow {
  key: string
  label: string
  token: string
  value: number | null
  /** Of the total of what is shown; null where a share makes no sense. */
  share: number | null
}

export interface Bucket {
  from: number
  to: number
  /** Largest first; series without a value last. */
  rows: BucketRow[]
  /** Sum of what is shown; null where values don't add up (shares, a single series). */
  total: number | null
}

/** What one bucket says, sorted as the tooltip shows it. */
export function bucketAt(model: Model, index: number): Bucket | null {
  const from = model.times[index]
  if (from === undefined) return null
  const series = shown(model)
  const adds = model.unit !== 'percent' && series.length > 1
  let total = 0
  for (const { values } of series) total += values[index] ?? 0
  const rows = series.map(({ key, label, token, values }) => {
    const value = values[index] ?? null
    return { key, label, token, value, share: adds && value !== null && total > 0 ? value / total : null }
  })
  // Sorting is stable: equal values keep the order of the legend.
  rows.sort((a, b) => (b.value ?? -1) - (a.value ?? -1))
  return { from, to: from + model.stepMs, rows, total: adds ? total : null }
}
