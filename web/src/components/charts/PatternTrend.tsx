//! The course of one pattern as a sparkline, asked for when it is shown.
import { queryOptions, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { answered, api } from '@/api/client'
import { LEVELS, type LevelCounts } from '@/api/types'
import { Skeleton } from '@/components/ui/skeleton'
import { cx } from '@/lib/cx'
import type { Filters } from '@/lib/search-params'
import { apiFilters } from '@/lib/time-range'
import { FewAtOnce } from './few-at-once'
import { Sparkline } from './Sparkline'

/** Two more than thirty: a range that ends now begins and ends within a bucket. */
const BUCKETS = 32

/** Colour of what most of the lines are; of equals the graver. */
export function mainLevelToken(levels: LevelCounts): string {
  const main = LEVELS.toReversed().toSorted((a, b) => levels[b] - levels[a])[0]
  return `${main ?? 'info'}-fill`
}

export interface PatternTrendProps {
  id: string
  filters: Filters
  token: string
  className?: string
}

const trends = new FewAtOnce(2)

function trendQuery(id: string, filters: Filters) {
  const query = { ...apiFilters({ ...filters, pattern: id }), buckets: BUCKETS }
  return queryOptions({
    queryKey: ['trend', query],
    queryFn: ({ signal }) => trends.run(async () => (await answered(api.GET('/stats/histogram', { params: { query }, signal }))).data, signal),
    staleTime: 30_000,
    refetchInterval: 30_000,
  })
}

/** Rows that fly by while someone scrolls ask nothing. */
const SETTLE_MS = 120

function useSettled(): boolean {
  const [settled, setSettled] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [])
  return settled
}

/** A range that ends now cuts its first and last bucket: they would look like a rise and a fall. A burst in the last one stays. */
export function withoutCutEnds(values: readonly number[]): number[] {
  const last = values[values.length - 1] ?? 0
  return values.slice(1, last > (values[values.length - 2] ?? 0) ? undefined : -1)
}

export function PatternTrend({ id, filters, token, className }: PatternTrendProps) {
  const enabled = useSettled()
  const { data, error } = useQuery({ ...trendQuery(id, filters), enabled })
  if (error && !data) return <span className={cx('block text-xs text-subtle', className)}>no trend</span>
  if (!data) return <Skeleton className={cx('h-5', className)} />
  const length = Math.max(0, ...data.series.map(({ counts }) => counts.length))
  const values = Array.from({ length }, (_, i) => data.series.reduce((all, { counts }) => all + (counts[i] ?? 0), 0))
  return <Sparkline values={filters.from === undefined ? withoutCutEnds(values) : values} token={token} className={className} />
}
