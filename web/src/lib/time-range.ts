//! The range of time that a view is about, and how the API is asked for it.
import { dateTime, stretch } from './format'
import type { Filters } from './search-params'

export const RANGES = [5, 15, 30, 60, 180, 360, 1440, 10_080] as const

export function rangeLabel(filters: Pick<Filters, 'since' | 'from' | 'to'>): string {
  if (filters.from !== undefined && filters.to !== undefined) return `${dateTime(filters.from)} – ${dateTime(filters.to)}`
  return filters.since === undefined ? 'All time' : `Last ${stretch(filters.since)}`
}

/** Query parameters of the API for a set of filters. */
export interface ApiFilters {
  levels?: string
  source?: string
  sinceMinutes?: number
  from?: string
  to?: string
  q?: string
  pattern?: string
}

export function apiFilters(filters: Filters): ApiFilters {
  const api: ApiFilters = {
    levels: filters.levels,
    source: filters.source,
    sinceMinutes: filters.since,
    q: filters.q,
    pattern: filters.pattern,
  }
  if (filters.from !== undefined) api.from = new Date(filters.from).toISOString()
  if (filters.to !== undefined) api.to = new Date(filters.to).toISOString()
  return Object.fromEntries(Object.entries(api).filter(([, value]) => value !== undefined))
}

/** Only what chooses rows, as one stable string: the key of caches and of the live subscription. */
export function filterKey(filters: Filters): string {
  return JSON.stringify(apiFilters(filters))
}
