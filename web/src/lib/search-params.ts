//! What the URL says. Everything visible stands there; what can't be read falls back instead of breaking the page.
import { LEVELS, type Level } from '@/api/types'

/** Filters that Explore and Patterns share. */
export interface Filters {
  q?: string
  levels?: string
  source?: string
  pattern?: string
  /** Minutes back from now. */
  since?: number
  /** Epoch ms, with `to`: an absolute range. */
  from?: number
  to?: number
}

export interface ExploreSearch extends Filters {
  /** False: history; absent: following the stream. */
  live?: boolean
  /** `<seq>@<epoch ms>`: the row in the drawer; the time lets a fresh page find it. */
  sel?: string
  /** Columns besides the message, comma-separated; absent: the usual ones. */
  cols?: string
  /** Dense rows, or long lines over three rows, or both. */
  view?: 'compact' | 'wrap' | 'compact,wrap'
  /** Page of the history at the top, from 1. */
  page?: number
}

export interface OverviewSearch {
  since?: number
}

/** Orders of the patterns beside the one by count. */
export const PATTERN_SORTS = ['recent', 'first', 'change', 'errors'] as const
export type PatternSort = (typeof PATTERN_SORTS)[number]

export interface PatternsSearch extends Filters {
  sort?: PatternSort
  /** What templates must contain. */
  find?: string
  page?: number
  /** Id of the pattern that is shown in full. */
  sel?: string
}

type Raw = Record<string, unknown>

const VIEWS: readonly unknown[] = ['compact', 'wrap', 'compact,wrap']

const MAX_TEXT = 4096
const YEAR_MINUTES = 525_600

function text(value: unknown, max = MAX_TEXT): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value.trim() !== '' && value.length <= max ? value : undefined
}

function number(value: unknown, least: number, most: number): number | undefined {
  const n = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof n === 'number' && Number.isFinite(n) && n >= least && n <= most ? n : undefined
}

function whole(value: unknown, least: number, most: number): number | undefined {
  const n = number(value, least, most)
  return n === undefined ? undefined : Math.floor(n)
}

function matching(value: unknown, shape: RegExp): string | undefined {
  const found = text(value)
  return found !== undefined && shape.test(found) ? found : undefined
}

/** The levels of a comma-separated list, in their own order; empty for all or for none that exist. */
export function parseLevels(value: unknown): Level[] {
  const names = (text(value) ?? '').split(',')
  const found = LEVELS.filter((level) => names.includes(level))
  return found.length === LEVELS.length ? [] : found
}

export function formatLevels(levels: readonly Level[]): string | undefined {
  const chosen = LEVELS.filter((level) => levels.includes(level))
  return chosen.length === 0 || chosen.length === LEVELS.length ? undefined : chosen.join(',')
}

function filters(raw: Raw): Filters {
  const from = number(raw.from, 0, 253_402_300_799_999)
  const to = number(raw.to, 0, 253_402_300_799_999)
  const range = from !== undefined && to !== undefined && from < to ? { from, to } : {}
  return {
    q: text(raw.q),
    levels: formatLevels(parseLevels(raw.levels)),
    source: text(raw.source, 256),
    pattern: matching(raw.pattern, /^[0-9a-f]{16}$/),
    since: 'from' in range ? undefined : number(raw.since, 1, YEAR_MINUTES),
    ...range,
  }
}

/** Leaves out what says nothing, so that equal views have equal URLs. */
function tidy<T extends object>(search: T): T {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as T
}

export function exploreSearch(raw: Raw): ExploreSearch {
  const base = filters(raw)
  const history = raw.live === false || raw.live === 'false' || base.from !== undefined
  return tidy<ExploreSearch>({
    ...base,
    live: history ? false : undefined,
    sel: matching(raw.sel, /^\d+-\d+@\d+$/),
    cols: matching(raw.cols, /^[^,]{1,100}(?:,[^,]{1,100}){0,11}$/),
    view: VIEWS.includes(raw.view) ? (raw.view as ExploreSearch['view']) : undefined,
    page: history ? whole(raw.page, 2, 10_000_000) : undefined,
  })
}

export function overviewSearch(raw: Raw): OverviewSearch {
  return tidy({ since: number(raw.since, 1, YEAR_MINUTES) })
}

export function patternsSearch(raw: Raw): PatternsSearch {
  return tidy<PatternsSearch>({
    ...filters(raw),
    sort: PATTERN_SORTS.find((sort) => sort === raw.sort),
    find: text(raw.find, 256),
    page: whole(raw.page, 2, 100_000),
    sel: matching(raw.sel, /^[0-9a-f]{16}$/),
  })
}

/** Plain `key=value` pairs, so that a shared link reads well: no JSON, no quotes round text. */
export function parseQuery(query: string): Raw {
  return Object.fromEntries(new URLSearchParams(query))
}

export function formatQuery(search: Raw): string {
  const pairs = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const query = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()
  // Commas and colons are legal in a query and far more readable as themselves.
  return query === '' ? '' : `?${query.replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%40', '@')}`
}
