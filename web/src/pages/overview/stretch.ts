//! What the history knows of a range, and how the live seconds carry it on.
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { answered, api } from '@/api/client'
import { told, type Told } from '@/api/queries'
import type { Histogram } from '@/api/types'
import { extend, type Buckets, type Seconds } from '@/lib/series'

/** A stored line is counted within a second, on a busy machine some more; what is newer comes live. */
const SETTLE_MS = 3000
/** So many that five minutes have one for each second, whatever the first of them starts with. */
const BUCKETS = 320
const REFRESH_MS = 20_000
/** Asked again soon: the first answer, which lacks the seconds between it and the first live one, and an empty one. */
const SOON_MS = 4200

export interface Stretch {
  histogram: Told<Histogram>
  /** Counted from here… */
  fromMs: number
  /** …up to here; what is newer comes live. */
  coveredMs: number
}

/** The server's clock as far as the live seconds tell it: a viewer's own may be wrong. */
export function serverNow(live: Seconds, ownMs: number): number {
  return live.last === undefined ? ownMs : (live.last + 2) * 1000
}

/** Up to when the history is asked: whole seconds, all of whose lines it has. */
export function coveredUntil(nowMs: number): number {
  return Math.floor((nowMs - SETTLE_MS) / 1000) * 1000
}

function histogram(fromMs: number, toMs: number, by: 'level' | 'source', signal: AbortSignal): Promise<Told<Histogram>> {
  const query = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), by, buckets: BUCKETS }
  return told(answered(api.GET('/stats/histogram', { params: { query }, signal })))
}

export function stretchQuery(since: number, by: 'level' | 'source', live: Seconds) {
  return queryOptions({
    queryKey: ['overview', 'stretch', since, by],
    queryFn: async ({ signal }): Promise<Stretch> => {
      const coveredMs = coveredUntil(serverNow(live, Date.now()))
      const fromMs = coveredMs - since * 60_000
      return { histogram: await histogram(fromMs, coveredMs, by, signal), fromMs, coveredMs }
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.dataUpdateCount <= 1 || state.data?.histogram.total === 0 ? SOON_MS : REFRESH_MS),
  })
}

/** The window of the same length before: what changes are measured against. */
export function beforeQuery(since: number, live: Seconds) {
  return queryOptions({
    queryKey: ['overview', 'before', since],
    queryFn: async ({ signal }) => {
      const toMs = serverNow(live, Date.now()) - since * 60_000
      return histogram(toMs - since * 60_000, toMs, 'level', signal)
    },
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  })
}

/** All that is stored, in few buckets. */
export function storedQuery(live: Seconds) {
  return queryOptions({
    queryKey: ['overview', 'stored'],
    queryFn: async ({ signal }) => {
      const coveredMs = Math.floor(serverNow(live, Date.now()) / 1000) * 1000
      return { histogram: await told(answered(api.GET('/stats/histogram', { params: { query: { buckets: 40 } }, signal }))), coveredMs }
    },
    refetchInterval: ({ state }) => (state.data?.histogram.total === 0 ? SOON_MS : 30_000),
  })
}

/** Counts of a range with the seconds since the history was asked, and the time that they cover. */
export interface Timeline extends Buckets {
  fromMs: number
  toMs: number
  /** Why the history's part of the counts is not whole. */
  partial?: string
}

/** Up to when the live seconds go on from `coveredMs` without a hole. A hole, as after a lost connection, waits for the history. */
function wholeUntil(live: Seconds, coveredMs: number): number {
  let next = Math.ceil(coveredMs / 1000)
  for (const [second] of live.after(next)) {
    if (second !== next) break
    next++
  }
  return Math.max(coveredMs, next * 1000)
}

export function timelineOf(stretch: Stretch, live: Seconds, by: 'level' | 'source'): Timeline {
  const { histogram: base, coveredMs } = stretch
  const toMs = wholeUntil(live, coveredMs)
  const buckets = extend(base, live, by, toMs, coveredMs)
  return { ...buckets, fromMs: Math.max(stretch.fromMs, buckets.times[0] ?? 0), toMs, partial: base.partial }
}

/** Counts as events a second. The buckets at both ends may be cut: they are divided by the time that they cover. */
export function perSecond(counts: readonly number[], { times, stepMs, fromMs, toMs }: Pick<Timeline, 'times' | 'stepMs' | 'fromMs' | 'toMs'>): number[] {
  return counts.map((count, i) => {
    const start = times[i] ?? 0
    const covered = Math.min(start + stepMs, toMs) - Math.max(start, fromMs)
    return count / Math.max(1, covered / 1000)
  })
}

/** Leaves out buckets at the end of which nothing is covered yet. */
export function withoutFuture(timeline: Timeline): Timeline {
  const keep = timeline.times.findIndex((time) => time >= timeline.toMs)
  if (keep < 0) return timeline
  return {
    ...timeline,
    times: timeline.times.slice(0, keep),
    series: timeline.series.map(({ key, counts }) => ({ key, counts: counts.slice(0, keep) })),
  }
}
