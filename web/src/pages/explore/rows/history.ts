//! Stored rows by place: pages under one anchor, so that none slides while events arrive; read as they come into sight and kept.
import { keepPreviousData, queryOptions, useQueries, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { fetchRecent, recentQuery, type RecentPage } from '@/api/queries'
import type { Filters } from '@/lib/search-params'
import { apiFilters } from '@/lib/time-range'
import { storedRow, type TableRow } from '@/live/rows'
import type { RowSource } from './source'

export const PAGE = 200

export interface HistoryRows {
  source: RowSource
  /** Exact, or undefined where the server could not count in time. */
  total?: number
  totalAtLeast?: number
  partial?: string
  /** Rows of the filters before, until those of the new ones are there. */
  stale: boolean
  loading: boolean
  error: unknown
  retry(): void
  /** Tells which rows are in sight. */
  sight(start: number, end: number): void
}

/** The pages that hold rows from `start` to `end` (exclusive), and one on each side to be there before it is needed. */
export function pagesFor(start: number, end: number, count: number): { needed: number[]; ahead: number[] } {
  const last = Math.max(0, Math.ceil(count / PAGE) - 1)
  const from = Math.min(last, Math.floor(start / PAGE))
  const to = Math.min(last, Math.max(from, Math.floor((end - 1) / PAGE)))
  const needed = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  return { needed, ahead: [to + 1, from - 1].filter((page) => page >= 0 && page <= last) }
}

const converted = new WeakMap<RecentPage, TableRow[]>()

/** Each page is turned into rows of the table once. */
function tableRows(page: RecentPage): TableRow[] {
  const found = converted.get(page) ?? page.rows.map(storedRow)
  converted.set(page, found)
  return found
}

export function pagesSource(pages: ReadonlyMap<number, RecentPage>, count: number, stamp: string): RowSource {
  return {
    stamp,
    count,
    get: (index) => {
      const page = pages.get(Math.floor(index / PAGE))
      return page && tableRows(page)[index % PAGE]
    },
    indexOf: (seq) => {
      for (const [number, page] of pages) {
        const at = page.rows.findIndex((row) => row.seq === seq)
        if (at >= 0) return number * PAGE + at
      }
      return undefined
    },
  }
}

/** The first page: its answer is the anchor and the count of all the others. `anchor` names it: a new one reads anew. */
function headQuery(filters: Filters, anchor: number) {
  return queryOptions({
    queryKey: ['history', apiFilters(filters), anchor],
    queryFn: ({ signal }) => fetchRecent(filters, { limit: PAGE, offset: 0 }, signal),
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  })
}

interface Pages {
  held: Map<number, RecentPage>
  error: unknown
  retry(): void
}

function combine(wanted: readonly number[]) {
  return (results: UseQueryResult<RecentPage>[]): Pages => {
    const held = new Map<number, RecentPage>()
    results.forEach((result, i) => {
      const number = wanted[i]
      if (result.data && number !== undefined) held.set(number, result.data)
    })
    const failed = results.filter(({ error }) => error !== null)
    return { held, error: failed[0]?.error ?? null, retry: () => failed.forEach((result) => void result.refetch()) }
  }
}

export function useHistoryRows(filters: Filters, anchor: number, active: boolean): HistoryRows {
  const head = useQuery({ ...headQuery(filters, anchor), enabled: active })
  const first = head.data
  const stale = head.isPlaceholderData
  const count = first ? Math.max(first.total ?? first.totalAtLeast ?? 0, first.rows.length) : 0
  const [inSight, setInSight] = useState('0-0')
  const [from, to] = inSight.split('-').map(Number) as [number, number]
  const { needed, ahead } = pagesFor(from * PAGE, (to + 1) * PAGE, count)
  const wanted = [...needed, ...ahead].filter((page) => page > 0)
  const wantedKey = wanted.join()
  const combined = useMemo(() => combine(wantedKey === '' ? [] : wantedKey.split(',').map(Number)), [wantedKey])
  const pages = useQueries({
    queries: wanted.map((page) => ({
      ...recentQuery(filters, { limit: PAGE, offset: page * PAGE, until: first?.until }),
      enabled: active && first !== undefined && !stale,
    })),
    combine: combined,
  })
  const source = useMemo(() => {
    const held = new Map(stale ? [] : pages.held)
    if (first) held.set(0, first)
    return pagesSource(held, stale ? Math.min(count, PAGE) : count, `${first?.until} ${[...held.keys()].join()}`)
  }, [pages, first, stale, count])
  return {
    source,
    total: first?.total,
    totalAtLeast: first?.totalAtLeast,
    partial: first?.partial,
    stale,
    loading: head.isPending,
    error: head.error ?? pages.error,
    retry: () => {
      if (head.error) void head.refetch()
      pages.retry()
    },
    sight: (start, end) => {
      const seen = pagesFor(start, end, count).needed
      setInSight(`${seen[0] ?? 0}-${seen.at(-1) ?? 0}`)
    },
  }
}
