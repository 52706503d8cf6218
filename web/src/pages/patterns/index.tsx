//! The Patterns page: what kinds of lines there are, how they move, and what is new.
import { useQuery } from '@tanstack/react-query'
import { navigate, useSearch } from '@/frame/router'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { totalQuery } from '@/api/queries'
import { Button } from '@/components/ui/button'
import { Empty, Failure, reason } from '@/components/ui/states'
import { TimeRange } from '@/components/TimeRange'
import { useKeys } from '@/frame/keys'
import { Page } from '@/frame/Page'
import { cx } from '@/lib/cx'
import { exact } from '@/lib/format'
import { formatLevels, parseLevels, type Filters, type PatternsSearch } from '@/lib/search-params'
import { FirstData } from '../overview/FirstData'
import { inOrder, keptOrder, matching, type Order, type PatternLine } from './order'
import { PatternDetail } from './PatternDetail'
import { PatternTable } from './PatternTable'
import { AT_ONCE, beforeQuery, linesBefore, listQuery } from './queries'
import { Chip, FindTemplates, LevelToggles, OrderSelect } from './Tools'

/** Minutes shown when the address says nothing. */
const DEFAULT_SINCE = 60

function filtersOf({ q, levels, source, pattern, since, from, to }: PatternsSearch): Filters {
  const range = from === undefined ? { since: since ?? DEFAULT_SINCE } : { from, to }
  return { q, levels, source, pattern, ...range }
}

/** The lines of the list with what they had before; undefined until both are known, so that nothing jumps. */
function usePatternLines(filters: Filters, page: number, order: Order) {
  const list = useQuery(listQuery(filters, page, order === 'recent' ? 'recent' : 'count'))
  const before = useQuery(beforeQuery(filters))
  const told = before.isPending ? undefined : before.data
  const { refetch } = list
  const retry = useCallback(() => void refetch(), [refetch])
  const lines = useMemo(() => {
    if (!list.data || before.isPending) return undefined
    return list.data.patterns.map((pattern): PatternLine => ({ ...pattern, before: linesBefore(told, pattern.id) }))
  }, [list.data, before.isPending, told])
  return { lines, total: list.data?.total, error: list.error, nowMs: list.dataUpdatedAt, retry }
}

/** Found and ordered; while the pointer is over the list the order stays. */
function useArranged(lines: readonly PatternLine[] | undefined, find: string | undefined, order: Order, frozen: boolean): readonly PatternLine[] | undefined {
  const [kept, setKept] = useState<{ order: Order; ids: readonly string[] } | null>(null)
  const arranged = useMemo(() => lines && inOrder(matching(lines, find), order), [lines, find, order])
  if (!frozen && kept) setKept(null)
  if (frozen && arranged && kept?.order !== order) setKept({ order, ids: arranged.map(({ id }) => id) })
  return useMemo(() => (arranged && frozen && kept?.order === order ? keptOrder(arranged, kept.ids) : arranged), [arranged, frozen, kept, order])
}

export function PatternsPage() {
  const search = useSearch('/patterns')
  const filters = useMemo(() => filtersOf(search), [search])
  const { sort: order = 'count', page = 1, find, sel } = search
  const [pointer, setPointer] = useState(false)
  const { lines, total, error, nowMs, retry } = usePatternLines(filters, page, order)
  const shown = useArranged(lines, find, order, pointer)
  const lastSel = useRef<string>(undefined)

  const set = useCallback(
    (change: Partial<PatternsSearch>, replace = false) => navigate({ to: '/patterns', search: (old) => ({ ...old, page: undefined, ...change }), replace }),
    [],
  )
  const onFind = useCallback((value: string) => set({ find: value === '' ? undefined : value }, true), [set])
  const setOrder = (next: Order) => set({ sort: next === 'count' ? undefined : next })
  const close = () => {
    lastSel.current = sel
    navigate({ to: '/patterns', search: (old) => ({ ...old, sel: undefined }), replace: true })
    // The row may be back only after the list is.
    setTimeout(() => document.querySelector<HTMLElement>(`[data-pattern="${lastSel.current ?? ''}"]`)?.focus(), 0)
  }
  const step = (by: number) => {
    const at = shown?.findIndex(({ id }) => id === sel) ?? -1
    const next = shown?.[Math.max(0, at + by)]
    if (next) navigate({ to: '/patterns', search: (old) => ({ ...old, sel: next.id }), replace: true })
  }
  useKeys([
    { keys: 'j', does: 'Next pattern', group: 'Patterns', run: () => step(1) },
    { keys: 'k', does: 'Pattern before', group: 'Patterns', run: () => step(-1) },
    { keys: 'Esc', does: 'Close the pattern', group: 'Patterns', run: () => (sel === undefined ? false : close()) },
    { keys: '/', does: 'Find templates', group: 'Patterns', run: () => document.querySelector<HTMLElement>('input[type="search"]')?.focus() },
  ])
  const bar = (
    <>
      <FindTemplates value={find ?? ''} onChange={onFind} />
      <LevelToggles chosen={parseLevels(search.levels)} onChange={(levels) => set({ levels: formatLevels(levels) })} />
      <OrderSelect order={order} onChange={setOrder} />
      <TimeRange
        value={filters}
        absolute
        onChange={({ since, from, to }) => set({ from, to, since: from !== undefined || since === DEFAULT_SINCE ? undefined : since })}
      />
    </>
  )
  return (
    <Page title="Patterns" bar={bar}>
      <div className="flex min-h-0 min-w-0 flex-1">
        <section aria-label="List of patterns" className={cx('flex min-h-0 min-w-0 flex-1 flex-col bg-surface', sel !== undefined && 'max-lg:hidden')}>
          <Strip filters={filters} set={set} shown={shown} total={total} error={lines ? error : null} />
          <List {...{ shown, error, retry, order, setOrder, setPointer, sel, filters, nowMs, find, set }} />
          <Pages page={page} total={total ?? 0} onPage={(to) => set({ page: to === 1 ? undefined : to })} />
        </section>
        {sel !== undefined && <PatternDetail id={sel} line={lines?.find(({ id }) => id === sel)} filters={{ ...filters, pattern: undefined }} nowMs={nowMs} onClose={close} />}
      </div>
    </Page>
  )
}

interface StripProps {
  filters: Filters
  set(change: Partial<PatternsSearch>): void
  shown: readonly PatternLine[] | undefined
  total: number | undefined
  error: unknown
}

/** How many there are, which filters came with the address, and whether the numbers are old. */
function Strip({ filters, set, shown, total, error }: StripProps) {
  const fresh = shown?.filter(({ isNew }) => isNew).length ?? 0
  const many = shown && total !== undefined && shown.length !== total ? `${exact(shown.length)} of ${exact(total)} patterns` : shown && (shown.length === 1 ? '1 pattern' : `${exact(shown.length)} patterns`)
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5 text-xs text-muted">
      <output className="nums">{shown ? `${many ?? ''}${fresh > 0 ? ` · ${exact(fresh)} new` : ''}` : 'Reading patterns…'}</output>
      {filters.source !== undefined && <Chip name="source" value={filters.source} onRemove={() => set({ source: undefined })} />}
      {filters.pattern !== undefined && <Chip name="pattern" value={filters.pattern} onRemove={() => set({ pattern: undefined })} />}
      {filters.q !== undefined && <Chip name="lines with" value={filters.q} onRemove={() => set({ q: undefined })} />}
      {error !== null && error !== undefined && <span className="min-w-0 truncate text-caution">Not up to date: {reason(error)}</span>}
    </div>
  )
}

interface ListProps {
  shown: readonly PatternLine[] | undefined
  error: unknown
  retry(): void
  order: Order
  setOrder(order: Order): void
  setPointer(over: boolean): void
  sel: string | undefined
  filters: Filters
  nowMs: number
  find: string | undefined
  set(change: Partial<PatternsSearch>): void
}

function List({ shown, error, retry, order, setOrder, setPointer, sel, filters, nowMs, find, set }: ListProps) {
  if (!shown && error) return <Failure error={error} onRetry={retry} className="flex-1" />
  if (shown?.length === 0) return <NoPatterns filters={filters} find={find} set={set} retry={retry} />
  return <PatternTable lines={shown} order={order} onOrder={setOrder} onPointer={setPointer} selected={sel} filters={filters} nowMs={nowMs} />
}

/** Which kind of nothing it is. */
function NoPatterns({ filters, find, set, retry }: Pick<ListProps, 'filters' | 'find' | 'set' | 'retry'>) {
  // The first line that ever comes shows within a second or two, as the snippets say.
  const stored = useQuery({ ...totalQuery({}), refetchInterval: (query) => (query.state.data?.total === 0 ? 1500 : false) })
  const some = (stored.data?.total ?? 0) > 0
  useEffect(() => {
    if (some) retry()
  }, [some, retry])
  const narrowed = filters.q !== undefined || filters.levels !== undefined || filters.source !== undefined || filters.pattern !== undefined
  if (stored.data?.total === 0) {
    return (
      <div className="min-h-0 flex-1 overflow-y-auto p-4">
        <FirstData />
      </div>
    )
  }
  if (find !== undefined) {
    return (
      <Empty title="No template contains this" className="flex-1" actions={<Button onClick={() => set({ find: undefined })}>Show all templates</Button>}>
        Templates hold what lines share; values that vary stand in the lines. Look for those in Explore.
      </Empty>
    )
  }
  return (
    <Empty
      title="No lines in this range"
      className="flex-1"
      actions={
        <>
          {narrowed && <Button onClick={() => set({ q: undefined, levels: undefined, source: undefined, pattern: undefined })}>Drop the filters</Button>}
          <Button onClick={() => set({ since: 10_080, from: undefined, to: undefined })}>Look at the last 7 days</Button>
        </>
      }
    >
      Each line gets a pattern as it arrives; nothing has matched here.
    </Empty>
  )
}

/** Beyond a thousand patterns: the next thousand. */
function Pages({ page, total, onPage }: { page: number; total: number; onPage(page: number): void }) {
  const pages = Math.ceil(total / AT_ONCE)
  if (pages <= 1 && page === 1) return null
  const first = (page - 1) * AT_ONCE + 1
  return (
    <nav aria-label="Pages of patterns" className="flex h-11 shrink-0 items-center gap-2 border-t border-line px-4 text-xs text-muted">
      <span className="nums">
        {exact(first)}–{exact(Math.min(total, page * AT_ONCE))} of {exact(total)}
      </span>
      <Button small className="ml-auto" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        Before
      </Button>
      <Button small disabled={page >= pages} onClick={() => onPage(page + 1)}>
        Next
      </Button>
    </nav>
  )
}
