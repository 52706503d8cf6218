//! Counts by level in the form that a chart takes.
import { LEVELS } from '@/api/types'
import { ordered, type Buckets } from '@/lib/series'
import type { ChartSeries } from './types'

/** The four levels, lowest first: the order of the stack. */
export function levelSeries(buckets: Buckets): ChartSeries[] {
  return ordered(buckets, LEVELS).map(({ key, counts }) => ({ key, token: `${key}-fill`, values: counts }))
}
