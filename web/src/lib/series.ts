//! Counts over time: a stretch from the history, and the seconds that came live after it.
import type { Histogram, WsMetrics } from '@/api/types'

export interface Series {
  key: string
  counts: number[]
}

/** Equally wide buckets; `times` are the starts in ms, every series has one count for each. */
export interface Buckets {
  times: number[]
  stepMs: number
  series: Series[]
}

export const OTHER = 'Other'
/** More names than this are one. */
const MOST_ROWS = 40

/** Live seconds by number, each a list of counts by source and level. Holds the newest `limit`: the history is asked again long before. */
export class Seconds {
  private readonly seconds = new Map<number, WsMetrics['counts']>()

  constructor(private readonly limit = 300) {}

  add(metrics: WsMetrics): void {
    this.seconds.set(metrics.second, metrics.counts)
    for (const second of this.seconds.keys()) {
      if (this.seconds.size <= this.limit) break
      this.seconds.delete(second)
    }
  }

  /** The newest second that has been told, or undefined. */
  get last(): number | undefined {
    return this.seconds.size === 0 ? undefined : Math.max(...this.seconds.keys())
  }

  total(second: number): number {
    let all = 0
    for (const { count } of this.seconds.get(second) ?? []) all += count
    return all
  }

  /** Events a second over the newest seconds, as far as they have been told; null where none has. */
  rate(over: number): number | null {
    const { last } = this
    if (last === undefined) return null
    const told = this.after(last - over + 1)
    return told.reduce((all, [second]) => all + this.total(second), 0) / told.length
  }

  after(second: number): [number, WsMetrics['counts']][] {
    return [...this.seconds].filter(([at]) => at >= second).toSorted(([a], [b]) => a - b)
  }
}

/**
 * The history's buckets, moved on by the live seconds from `coveredMs` on: as many buckets as before, none missing. `coveredMs` is up to when the
 * history counted (whole seconds); without it, up to the end of its last bucket.
 */
export function extend(base: Histogram, live: Seconds, by: 'level' | 'source', nowMs: number, coveredMs = Date.parse(base.to)): Buckets {
  const step = base.bucketMs
  const start = Date.parse(base.from)
  const baseEnd = Date.parse(base.to)
  // An empty history has no range: nothing to go on from.
  if (!(baseEnd > start)) return { stepMs: step, times: [], series: [] }
  // By source a stretch without lines has no series at all; its buckets are there.
  const length = Math.max(1, Math.round((baseEnd - start) / step))
  const last = live.last === undefined ? baseEnd : Math.min(Math.max(baseEnd, (live.last + 1) * 1000), nowMs + step)
  const total = Math.max(length, Math.ceil((last - start) / step))
  const series = new Map<string, number[]>()
  const row = (key: string): number[] => {
    const found = series.get(key) ?? Array.from({ length: total }, () => 0)
    series.set(key, found)
    return found
  }
  for (const { key, counts } of base.series) {
    const target = row(key)
    counts.forEach((count, i) => (target[i] = count))
  }
  // The history folds rare sources too; without a bound a flood of names would be a row each.
  const folds = series.has(OTHER)
  const keyOf = (key: string) => (series.has(key) || (!folds && series.size < MOST_ROWS) ? key : OTHER)
  for (const [second, counts] of live.after(Math.ceil(coveredMs / 1000))) {
    const at = Math.floor((second * 1000 - start) / step)
    if (at < 0 || at >= total) continue
    for (const entry of counts) {
      const target = row(keyOf(entry[by]))
      target[at] = (target[at] ?? 0) + entry.count
    }
  }
  const drop = total - length
  return {
    stepMs: step,
    times: Array.from({ length }, (_, i) => start + (i + drop) * step),
    series: [...series].map(([key, counts]) => ({ key, counts: counts.slice(drop) })),
  }
}

export function sum(counts: readonly number[]): number {
  let total = 0
  for (const count of counts) total += count
  return total
}

/** The largest `most` series by total, the rest as one `Other` at the end. */
export function topSeries(series: readonly Series[], most: number): Series[] {
  const named = series.filter(({ key }) => key !== OTHER)
  const ranked = named.toSorted((a, b) => sum(b.counts) - sum(a.counts) || a.key.localeCompare(b.key))
  const rest = [...ranked.slice(most), ...series.filter(({ key }) => key === OTHER)]
  const kept = ranked.slice(0, most)
  if (rest.length === 0) return kept
  const length = rest[0]?.counts.length ?? 0
  const counts = Array.from({ length }, (_, i) => rest.reduce((total, one) => total + (one.counts[i] ?? 0), 0))
  return sum(counts) === 0 ? kept : [...kept, { key: OTHER, counts }]
}

/** Series in the order of `keys`, zeros where the server had none. */
export function ordered(buckets: Buckets, keys: readonly string[]): Series[] {
  const zeros = buckets.times.map(() => 0)
  return keys.map((key) => ({ key, counts: buckets.series.find((one) => one.key === key)?.counts ?? zeros }))
}

/** Share of errors in each bucket; null where there was nothing to take a share of. */
export function errorRates(buckets: Buckets): (number | null)[] {
  const errors = buckets.series.find(({ key }) => key === 'error')?.counts
  return buckets.times.map((_, i) => {
    const total = buckets.series.reduce((all, { counts }) => all + (counts[i] ?? 0), 0)
    return total === 0 ? null : (errors?.[i] ?? 0) / total
  })
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** A median of deviations times this is the standard deviation of what is spread as chance spreads it. */
const TO_DEVIATION = 1.4826

/**
 * The usual band of earlier rates: within two deviations of the middle, between 0 and 1; null below ten points. Deviations go by medians
 * (Hampel), so that an incident in the window before is not what is usual.
 */
export function usualBand(rates: readonly (number | null)[]): { low: number; high: number } | null {
  const known = rates.filter((rate) => rate !== null).toSorted((a, b) => a - b)
  if (known.length < 10) return null
  const middle = median(known)
  const deviation = TO_DEVIATION * median(known.map((rate) => Math.abs(rate - middle)).toSorted((a, b) => a - b))
  return { low: Math.max(0, middle - 2 * deviation), high: Math.min(1, middle + 2 * deviation) }
}
