//! The figures of the tiles: how much, of which so many errors, and what became of it since the window before.
import { change } from '@/lib/format'
import { sum, type Series } from '@/lib/series'

export interface Mass {
  total: number
  errors: number
}

export function massOf(series: readonly Series[]): Mass {
  const errors = series.find(({ key }) => key === 'error')?.counts ?? []
  return { total: series.reduce((all, { counts }) => all + sum(counts), 0), errors: sum(errors) }
}

export type Tone = 'good' | 'bad' | 'neutral'
export type Direction = 'up' | 'down' | 'flat'

export interface Change {
  text: string
  tone: Tone
  direction: Direction
}

function direction(difference: number, least: number): Direction {
  return Math.abs(difference) < least ? 'flat' : difference > 0 ? 'up' : 'down'
}

/** More or less than before is neither good nor bad. Null where there was nothing before. */
export function volumeChange(now: number, before: number): Change | null {
  const text = change(now, before)
  return text === null ? null : { text, tone: 'neutral', direction: direction(now / before - 1, 0.0005) }
}

/** Points of a percent that the error rate moved by; null where there was nothing before. */
export function errorChange(now: Mass, before: Mass): Change | null {
  if (before.total === 0 || now.total === 0) return null
  const points = (now.errors / now.total - before.errors / before.total) * 100
  const text = `${points > 0 ? '+' : '−'}${Math.abs(points).toFixed(Math.abs(points) < 0.1 ? 2 : 1)} pts`
  const way = direction(points, 0.005)
  return { text: way === 'flat' ? '±0 pts' : text, tone: way === 'flat' ? 'neutral' : way === 'up' ? 'bad' : 'good', direction: way }
}

/** How many of these moments fall into each of `buckets` equal parts of the range. */
export function spread(moments: readonly number[], fromMs: number, toMs: number, buckets: number): number[] {
  const counts = Array.from({ length: buckets }, () => 0)
  for (const moment of moments) {
    const at = Math.floor(((moment - fromMs) / Math.max(1, toMs - fromMs)) * buckets)
    if (at >= 0 && at < buckets) counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}

/** How the sum of all series grew from bucket to bucket. */
export function growth(series: readonly Series[]): number[] {
  const grown: number[] = []
  const length = Math.max(0, ...series.map(({ counts }) => counts.length))
  for (let i = 0; i < length; i++) grown.push((grown[i - 1] ?? 0) + series.reduce((all, { counts }) => all + (counts[i] ?? 0), 0))
  return grown
}

/** Means of neighbours, at most `most` of them: a sparkline has no room for 300. */
export function thinned(values: readonly number[], most: number): number[] {
  const each = Math.ceil(values.length / most)
  if (each <= 1) return [...values]
  const thin: number[] = []
  // From the end, so that the newest group is whole.
  for (let end = values.length; end > 0; end -= each) thin.unshift(sum(values.slice(Math.max(0, end - each), end)) / Math.min(each, end))
  return thin
}
