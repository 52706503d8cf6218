//! The lines of the list, and what the address and the keys make of them.
import { useQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { useKeys } from '@/frame/keys'
import { navigate } from '@/frame/router'
import type { Filters, PatternsSearch } from '@/lib/search-params'
import { goneLines, inOrder, keptOrder, matching, type Order, type PatternLine } from './order'
import { beforeQuery, linesBefore, listQuery } from './queries'

/** Minutes shown when the address says nothing. */
export const DEFAULT_SINCE = 60

export function filtersOf({ q, levels, source, pattern, since, from, to }: PatternsSearch): Filters {
  const range = from === undefined ? { since: since ?? DEFAULT_SINCE } : { from, to }
  return { q, levels, source, pattern, ...range }
}

/** Changes the address; a change of what is listed begins at the first page. */
export function setSearch(change: Partial<PatternsSearch>, replace = false): void {
  navigate({ to: '/patterns', search: (old) => ({ ...old, page: undefined, ...change }), replace })
}

/** Shows a pattern in full, or none. */
export function select(sel: string | undefined): void {
  navigate({ to: '/patterns', search: (old) => ({ ...old, sel }), replace: true })
}

/** The lines with what they had before, as soon as that is known; ordered by change they wait for it. */
export function usePatternLines(filters: Filters, page: number, order: Order) {
  const list = useQuery(listQuery(filters, page, order === 'recent' ? 'recent' : 'count'))
  const before = useQuery(beforeQuery(filters))
  const { refetch } = list
  const retry = useCallback(() => void refetch(), [refetch])
  const wait = order === 'change' && before.isPending
  const lines = useMemo(() => {
    if (!list.data || wait) return undefined
    const { patterns, total } = list.data
    const here = patterns.map((pattern): PatternLine => ({ ...pattern, before: linesBefore(before.data, pattern.id) }))
    // Of a list that is only a part nobody knows what is gone.
    const whole = page === 1 && total === patterns.length
    return order === 'change' && whole && before.data ? [...here, ...goneLines(before.data.patterns.values(), patterns)] : here
  }, [list.data, wait, before.data, order, page])
  return { lines, total: list.data?.total, partial: list.data?.partial, error: list.error, nowMs: list.dataUpdatedAt, retry }
}

type Lines = readonly PatternLine[] | undefined

/** Found and ordered; while the pointer is over the list the order stays. */
export function useArranged(lines: Lines, find: string | undefined, order: Order, frozen: boolean): Lines {
  const [kept, setKept] = useState<{ order: Order; ids: readonly string[] } | null>(null)
  const arranged = useMemo(() => lines && inOrder(matching(lines, find), order), [lines, find, order])
  if (!frozen && kept) setKept(null)
  if (frozen && arranged && kept?.order !== order) setKept({ order, ids: arranged.map(({ id }) => id) })
  return useMemo(() => (arranged && frozen && kept?.order === order ? keptOrder(arranged, kept.ids) : arranged), [arranged, frozen, kept, order])
}

/** The keys of the page; `close` gives the focus back to the row. */
export function usePatternKeys(shown: Lines, sel: string | undefined, close: () => void): void {
  const step = (by: number) => {
    const at = shown?.findIndex(({ id }) => id === sel) ?? -1
    const next = shown?.[Math.max(0, at + by)]
    if (next) select(next.id)
  }
  useKeys([
    { keys: 'j', does: 'Next pattern', group: 'Patterns', run: () => step(1) },
    { keys: 'k', does: 'Pattern before', group: 'Patterns', run: () => step(-1) },
    { keys: 'Esc', does: 'Close the pattern', group: 'Patterns', run: () => (sel === undefined ? false : close()) },
    { keys: '/', does: 'Find templates', group: 'Patterns', run: () => document.querySelector<HTMLElement>('input[type="search"]')?.focus() },
  ])
}
