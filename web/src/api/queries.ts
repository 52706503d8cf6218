//! What the pages ask the server, as query options: one key for each question, so that equal questions share one answer.
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { apiFilters } from '@/lib/time-range'
import type { Filters } from '@/lib/search-params'
import { answered, api, ApiError, worthRetrying } from './client'
import type { Row } from './types'

/** A page of stored rows with what the headers say about the whole. */
export interface RecentPage {
  rows: Row[]
  /** Exact, or undefined where the server could not count in time. */
  total?: number
  /** At least so many, where the count ran out of its budget. */
  totalAtLeast?: number
  /** Why the answer is not whole. */
  partial?: string
  /** Token that keeps further pages from sliding. */
  until?: string
}

function headerNumber(response: Response, name: string): number | undefined {
  const text = response.headers.get(name)
  const n = text === null ? Number.NaN : Number(text)
  return Number.isFinite(n) ? n : undefined
}

/** An answer with why it is not whole, where it isn't. */
export type Told<T> = T & { partial?: string }

/** The data of an answer; a count that ran out of its budget says so. */
export async function told<T extends object>(answer: Promise<{ data: T; response: Response }>): Promise<Told<T>> {
  const { data, response } = await answer
  return { ...data, partial: partialOf(response) }
}

function partialOf(response: Response): string | undefined {
  return response.headers.get('X-Partial') ?? undefined
}

export interface PageOf {
  limit: number
  offset: number
  until?: string
}

export async function fetchRecent(filters: Filters, page: PageOf, signal?: AbortSignal): Promise<RecentPage> {
  const { data, response } = await answered(api.GET('/recent', { params: { query: { ...apiFilters(filters), ...page } }, signal }))
  return {
    rows: data,
    total: headerNumber(response, 'X-Total-Count'),
    totalAtLeast: headerNumber(response, 'X-Total-At-Least'),
    partial: partialOf(response),
    until: response.headers.get('X-Until') ?? undefined,
  }
}

/** A page of the history. `until` in the key: pages under one anchor never change, so they never go stale. */
export function recentQuery(filters: Filters, page: PageOf) {
  return queryOptions({
    queryKey: ['recent', apiFilters(filters), page],
    queryFn: ({ signal }) => fetchRecent(filters, page, signal),
    staleTime: page.until === undefined ? 2000 : Infinity,
  })
}

/** How many rows match in all: `limit=0` reads no rows. */
export function totalQuery(filters: Filters) {
  return queryOptions({
    queryKey: ['total', apiFilters(filters)],
    queryFn: ({ signal }) => fetchRecent(filters, { limit: 0, offset: 0 }, signal),
    placeholderData: keepPreviousData,
  })
}

/** Rows are in the history within a second of their acknowledgement: one that just came live may need another try. */
function notStoredYet(failures: number, error: unknown): boolean {
  const unknown = error instanceof ApiError && error.status === 404
  return unknown ? failures < 3 : failures < 2 && worthRetrying(error)
}

/** The record with `each` neighbours on both sides, of the same source, in the order of arrival, whatever the filters. */
export function aroundQuery(seq: string, each = 20) {
  return queryOptions({
    queryKey: ['around', seq, each],
    queryFn: async ({ signal }) => (await answered(api.GET('/around', { params: { query: { seq, each } }, signal }))).data,
    staleTime: 60_000,
    retry: notStoredYet,
    retryDelay: 700,
  })
}

export interface HistogramAsk {
  by?: 'level' | 'source'
  buckets?: number
  until?: string
}

/** `anchor`: another number reads anew. */
export function histogramQuery(filters: Filters, ask: HistogramAsk = {}, anchor = 0) {
  return queryOptions({
    queryKey: ['histogram', apiFilters(filters), ask, anchor],
    queryFn: ({ signal }) => told(answered(api.GET('/stats/histogram', { params: { query: { ...apiFilters(filters), ...ask } }, signal }))),
    placeholderData: keepPreviousData,
  })
}

/** `fields`: comma-separated from `source`, `level`, `pattern` and fields of the context. */
export function facetsQuery(filters: Filters, fields = 'source,level', limit = 20, anchor = 0) {
  return queryOptions({
    queryKey: ['facets', apiFilters(filters), fields, limit, anchor],
    queryFn: ({ signal }) => told(answered(api.GET('/stats/facets', { params: { query: { ...apiFilters(filters), fields, limit } }, signal }))),
    placeholderData: keepPreviousData,
  })
}

export interface PatternsAsk {
  limit?: number
  offset?: number
  sort?: 'count' | 'recent'
  /** Buckets of each pattern's course; absent: without. */
  trend?: number
}

export function patternsQuery(filters: Filters, ask: PatternsAsk = {}) {
  return queryOptions({
    queryKey: ['patterns', apiFilters(filters), ask],
    queryFn: async ({ signal }) => {
      const { data, response } = await answered(api.GET('/patterns', { params: { query: { ...apiFilters(filters), ...ask } }, signal }))
      return { patterns: data, total: headerNumber(response, 'X-Total-Count'), partial: partialOf(response) }
    },
    placeholderData: keepPreviousData,
  })
}

/** One pattern in full; an id that was ever shown finds it, and the answer's `id` is its id now. */
export function patternQuery(id: string, filters: Filters = {}) {
  return queryOptions({
    queryKey: ['pattern', id, apiFilters(filters)],
    queryFn: ({ signal }) => told(answered(api.GET('/patterns/{id}', { params: { path: { id }, query: apiFilters(filters) }, signal }))),
  })
}

/** State of the model and its budget. */
export function analysisQuery() {
  return queryOptions({
    queryKey: ['analysis'],
    queryFn: async ({ signal }) => (await answered(api.GET('/analysis', { signal }))).data,
    staleTime: 30_000,
  })
}
