//! The numbers of the overview, moved on once a second.
import { useQuery } from '@tanstack/react-query'
import { patternsQuery, type Told } from '@/api/queries'
import type { Histogram } from '@/api/types'
import { TREND_BUCKETS } from '@/components/charts'
import { usualBand, errorRates, type Buckets } from '@/lib/series'
import { live } from '@/live/live'
import { useSignal } from '@/live/signal'
import { useMemo } from 'react'
import { growth, massOf } from './figures'
import { beforeQuery, storedQuery, stretchQuery, timelineOf, withoutFuture, type Stretch, type Timeline } from './stretch'

/** What a panel needs to know of a question: its answer so far, that it failed, how to ask again. */
export interface Asked<T> {
  data: T | undefined
  error: unknown
  retry: () => void
}

/** The same object as long as it says the same: panels that are told nothing new render nothing. */
function useAsked<T>({ error, refetch }: { error: unknown; refetch: () => unknown }, data: T | undefined): Asked<T> {
  return useMemo(() => ({ data, error, retry: () => void refetch() }), [data, error, refetch])
}

function useTimeline(stretch: Stretch | undefined, by: 'level' | 'source'): Timeline | undefined {
  const second = useSignal(live.secondsChanged)
  return useMemo(
    () => (stretch === undefined || second < 0 ? undefined : withoutFuture(timelineOf(stretch, live.seconds, by))),
    [stretch, by, second],
  )
}

export function useLevels(since: number): Asked<Timeline> {
  const query = useQuery(stretchQuery(since, 'level', live.seconds))
  return useAsked(query, useTimeline(query.data, 'level'))
}

export function useSources(since: number): Asked<Timeline> {
  const query = useQuery(stretchQuery(since, 'source', live.seconds))
  return useAsked(query, useTimeline(query.data, 'source'))
}

function bucketsOf(histogram: Histogram): Buckets {
  const start = Date.parse(histogram.from)
  const length = Math.max(0, ...histogram.series.map(({ counts }) => counts.length))
  return { stepMs: histogram.bucketMs, times: Array.from({ length }, (_, i) => start + i * histogram.bucketMs), series: histogram.series }
}

/** The window before: its totals, and the error rates that were usual in it. */
export function useBefore(since: number) {
  const { data } = useQuery(beforeQuery(since, live.seconds))
  return useMemo(() => {
    if (data === undefined) return undefined
    const buckets = bucketsOf(data)
    return { mass: massOf(buckets.series), usual: usualBand(errorRates(buckets)) }
  }, [data])
}

/** How much is stored, how it grew, and since when. */
export interface StoredFigures {
  total: number
  growth: number[]
  sinceMs: number
  /** Why the total is not exact. */
  partial?: string
}

/** All that is stored, with what came since it was counted. */
export function useStored(): Asked<StoredFigures> {
  const query = useQuery(storedQuery(live.seconds))
  const second = useSignal(live.secondsChanged)
  const { data } = query
  const figures = useMemo(() => (data === undefined || second < 0 ? undefined : storedFigures(data)), [data, second])
  return useAsked(query, figures)
}

function storedFigures({ histogram, coveredMs }: { histogram: Told<Histogram>; coveredMs: number }): StoredFigures {
  let { total } = histogram
  for (const [second] of live.seconds.after(coveredMs / 1000)) total += live.seconds.total(second)
  return { total, growth: growth(histogram.series), sinceMs: Date.parse(histogram.from), partial: histogram.partial }
}

/** Nothing yet: looked at again soon, so that the first patterns don't take half a minute to show. */
const EMPTY_MS = 4000

/** The patterns of the range, most frequent first, as many as the server gives at once. */
export function usePatterns(since: number) {
  const query = useQuery({
    ...patternsQuery({ since }, { limit: 1000 }),
    refetchInterval: ({ state }) => (state.data?.patterns.length === 0 ? EMPTY_MS : 30_000),
  })
  return useAsked(query, query.data)
}

/** The most frequent ones with their courses. */
export function useTopPatterns(since: number, limit: number) {
  const query = useQuery({
    ...patternsQuery({ since }, { limit, trend: TREND_BUCKETS }),
    refetchInterval: ({ state }) => (state.data?.patterns.length === 0 ? EMPTY_MS : 30_000),
  })
  return useAsked(query, query.data)
}
