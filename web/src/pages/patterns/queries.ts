//! What the page asks: the patterns of a range, and those of the window before it.
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { answered, api } from '@/api/client'
import { patternsQuery } from '@/api/queries'
import { TREND_BUCKETS } from '@/components/charts'
import type { PatternSummary } from '@/api/types'
import type { Filters } from '@/lib/search-params'
import { apiFilters } from '@/lib/time-range'

/** As many as the server gives at once: order and search are then a matter of the page. */
export const AT_ONCE = 1000
const REFRESH_MS = 30_000

/** Start and end of a range in ms; a relative one ends now. */
export function bounds(filters: Filters, nowMs: number): { from: number; to: number } {
  if (filters.from !== undefined && filters.to !== undefined) return { from: filters.from, to: filters.to }
  return { from: nowMs - (filters.since ?? 60) * 60_000, to: nowMs }
}

export function listQuery(filters: Filters, page: number, sort: 'count' | 'recent') {
  return {
    ...patternsQuery(filters, { limit: AT_ONCE, offset: (page - 1) * AT_ONCE, sort, trend: TREND_BUCKETS }),
    // What is past doesn't change.
    refetchInterval: filters.from === undefined ? REFRESH_MS : (false as const),
  }
}

/** The patterns of the window of the same length before; whether all of them are told. */
export function beforeQuery(filters: Filters) {
  return queryOptions({
    queryKey: ['patterns', 'before', apiFilters(filters)],
    queryFn: async ({ signal }) => {
      const { from, to } = bounds(filters, Date.now())
      const query = { ...apiFilters({ ...filters, since: undefined, from: from - (to - from), to: from }), limit: AT_ONCE }
      const { data, response } = await answered(api.GET('/patterns', { params: { query }, signal }))
      const total = Number(response.headers.get('X-Total-Count') ?? Number.NaN)
      return { patterns: new Map(data.map((pattern) => [pattern.id, pattern])), whole: total <= data.length }
    },
    placeholderData: keepPreviousData,
    staleTime: REFRESH_MS,
    refetchInterval: filters.from === undefined ? 2 * REFRESH_MS : false,
  })
}

export interface Before {
  patterns: ReadonlyMap<string, PatternSummary>
  whole: boolean
}

/** Null: not known. A pattern that isn't among those told had none, if all were told. */
export function linesBefore(before: Before | undefined, id: string): number | null {
  return before?.patterns.get(id)?.count ?? (before?.whole === true ? 0 : null)
}
