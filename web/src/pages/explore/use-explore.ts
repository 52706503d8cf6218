//! What the view is, as the URL has it, and the ways to change it. Filters push history; what is selected or scrolled to replaces.
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { TimeValue } from '@/components/TimeRange'
import { LEVELS, type Level } from '@/api/types'
import { condition, typedQuery, withCondition } from '@/lib/query-tokens'
import { formatLevels, parseLevels, type ExploreSearch } from '@/lib/search-params'
import type { TableRow } from '@/live/rows'
import { toggled } from './table/columns'

type Patch = Partial<ExploreSearch>

/** `<seq>@<epoch ms>` of a row. */
export function selOf(row: TableRow): string {
  return `${row.seq}@${row.time}`
}

export function useExplore() {
  const search = useSearch({ from: '/explore' })
  const navigate = useNavigate({ from: '/explore' })
  const actions = useMemo(() => {
    const push = (patch: Patch) => void navigate({ search: (before) => ({ ...before, page: undefined, ...patch }) })
    const replace = (patch: Patch) => void navigate({ search: (before) => ({ ...before, ...patch }), replace: true })
    const withQuery = (added: string) => void navigate({ search: (before) => ({ ...before, page: undefined, q: withCondition(before.q, added) }) })
    return {
      type: (text: string) => void navigate({ search: (before) => ({ ...before, page: undefined, ...typedQuery(text, before) }) }),
      set: push,
      time: ({ since, from, to }: TimeValue) => push({ since, from, to, ...(from !== undefined && { live: false }) }),
      zoom: (from: number, to: number) => push({ from: Math.floor(from), to: Math.ceil(to), since: undefined, live: false }),
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
        if (key !== 'level') return withQuery(condition(key, value, true))
        return void navigate({
          search: (before) => {
            const shown = parseLevels(before.levels)
            const rest = (shown.length === 0 ? LEVELS : shown).filter((level) => level !== value)
            return { ...before, page: undefined, levels: formatLevels(rest) }
          },
        })
      },
      toggleLevel: (level: Level) =>
        void navigate({
          search: (before) => {
            const shown = parseLevels(before.levels)
            const all = shown.length === 0 ? [...LEVELS] : shown
            const next = all.includes(level) ? all.filter((one) => one !== level) : [...all, level]
            return { ...before, page: undefined, levels: formatLevels(next) }
          },
        }),
      toggleColumn: (key: string) => void navigate({ search: (before) => ({ ...before, cols: toggled(before.cols, key) }), replace: true }),
      toggleView: (part: 'compact' | 'wrap') =>
        void navigate({
          search: (before) => {
            const parts = new Set(before.view?.split(','))
            if (!parts.delete(part)) parts.add(part)
            const view = ['compact', 'wrap'].filter((one) => parts.has(one)).join(',')
            return { ...before, view: (view || undefined) as ExploreSearch['view'] }
          },
          replace: true,
        }),
      select: (row: TableRow | null) => replace({ sel: row === null ? undefined : selOf(row) }),
      page: (page: number) => replace({ page: page > 1 ? page : undefined }),
      show: (view: ExploreSearch) => void navigate({ search: view }),
    }
  }, [navigate])
  return { search, actions }
}

export type ExploreActions = ReturnType<typeof useExplore>['actions']
