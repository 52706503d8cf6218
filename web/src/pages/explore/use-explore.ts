//! What the view is, as the URL has it, and the ways to change it. Filters push history; what is selected or scrolled to replaces.
import { navigate, useSearch } from '@/frame/router'
import type { TimeValue } from '@/components/TimeRange'
import { LEVELS, type Level } from '@/api/types'
import { condition, typedQuery, withCondition } from '@/lib/query-tokens'
import { formatLevels, parseLevels, type ExploreSearch } from '@/lib/search-params'
import type { TableRow } from '@/live/rows'
import { toggled } from './table/columns'

type Patch = Partial<ExploreSearch>

/** `<seq>@<epoch ms>` of a row. */
function selOf(row: TableRow): string {
  return `${row.seq}@${row.time}`
}

/** Pushes a change of what is shown; it begins at its top. */
function push(patch: Patch): void {
  change((before) => ({ ...before, page: undefined, ...patch }))
}

function replace(patch: Patch): void {
  change((before) => ({ ...before, ...patch }), true)
}

function change(search: (before: ExploreSearch) => ExploreSearch, replaces = false): void {
  navigate({ to: '/explore', search, replace: replaces })
}

function withQuery(added: string): void {
  change((before) => ({ ...before, page: undefined, q: withCondition(before.q, added) }))
}

/** Levels that are shown, all of them where none is named. */
function shownLevels({ levels }: ExploreSearch): readonly Level[] {
  const named = parseLevels(levels)
  return named.length === 0 ? LEVELS : named
}

function withLevels(choose: (shown: readonly Level[]) => Level[]): void {
  change((before) => ({ ...before, page: undefined, levels: formatLevels(choose(shownLevels(before))) }))
}

export const actions = {
  type: (text: string) => change((before) => ({ ...before, page: undefined, ...typedQuery(text, before) })),
  set: push,
  time: ({ since, from, to }: TimeValue) => push({ since, from, to, ...(from !== undefined && { live: false }) }),
  zoom: (from: number, to: number) => push({ from: Math.floor(from), to: Math.ceil(to), since: undefined, live: false }),
  allTime: () => push({ since: undefined, from: undefined, to: undefined }),
  goLive: () => push({ live: undefined, from: undefined, to: undefined }),
  history: () => push({ live: false }),
  clear: () => push({ q: undefined, levels: undefined, source: undefined, pattern: undefined }),
  /** Only lines with this value. */
  only: (key: string, value: string) => {
    if (key === 'level') push({ levels: value })
    else if (key === 'source' || key === 'pattern') push({ [key]: value })
    else withQuery(condition(key, value))
  },
  exclude: (key: string, value: string) => {
    if (key === 'level') withLevels((shown) => shown.filter((level) => level !== value))
    else withQuery(condition(key, value, true))
  },
  toggleLevel: (level: Level) => withLevels((shown) => (shown.includes(level) ? shown.filter((one) => one !== level) : [...shown, level])),
  toggleColumn: (key: string) => change((before) => ({ ...before, cols: toggled(before.cols, key) }), true),
  toggleView: (part: 'compact' | 'wrap') =>
    change((before) => {
      const parts = new Set(before.view?.split(','))
      if (!parts.delete(part)) parts.add(part)
      const view = ['compact', 'wrap'].filter((one) => parts.has(one)).join(',')
      return { ...before, view: (view || undefined) as ExploreSearch['view'] }
    }, true),
  select: (row: TableRow | null) => replace({ sel: row === null ? undefined : selOf(row) }),
  page: (page: number) => replace({ page: page > 1 ? page : undefined }),
  show: (view: ExploreSearch) => change(() => view),
}

export type ExploreActions = typeof actions

export function useExplore(): { search: ExploreSearch; actions: ExploreActions } {
  return { search: useSearch('/explore'), actions }
}
