//! The course of one pattern as a sparkline.
import { LEVELS, type LevelCounts } from '@/api/types'
import { cx } from '@/lib/cx'
import { Sparkline } from './Sparkline'

/** Buckets of a course in a list: two more than thirty, since a range that ends now begins and ends within one. */
export const TREND_BUCKETS = 32

/** Colour of what most of the lines are; of equals the graver. */
export function mainLevelToken(levels: LevelCounts): string {
  const main = LEVELS.toReversed().toSorted((a, b) => levels[b] - levels[a])[0]
  return `${main ?? 'info'}-fill`
}

/** A range that ends now cuts its first and last bucket: they would look like a rise and a fall. A burst in the last one stays. */
export function withoutCutEnds(values: readonly number[]): readonly number[] {
  if (values.length < 4) return values
  const last = values[values.length - 1] ?? 0
  return values.slice(1, last > (values[values.length - 2] ?? 0) ? undefined : -1)
}

export interface PatternTrendProps {
  counts: readonly number[] | undefined
  /** The range ends now, not at a border of its buckets. */
  open: boolean
  levels: LevelCounts
  className?: string
}

export function PatternTrend({ counts, open, levels, className }: PatternTrendProps) {
  if (counts === undefined) return <span className={cx('block text-xs text-subtle', className)}>no trend</span>
  return <Sparkline values={open ? withoutCutEnds(counts) : counts} token={mainLevelToken(levels)} className={className} />
}
