//! The list with what stands round it: how many there are, why there are none, further pages.
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { totalQuery } from '@/api/queries'
import { NotWhole } from '@/components/NotWhole'
import { Button } from '@/components/ui/button'
import { Empty, Failure, reason } from '@/components/ui/states'
import { counted, exact, stretch } from '@/lib/format'
import type { Filters } from '@/lib/search-params'
import { FirstData } from '../overview/FirstData'
import type { Order, PatternLine } from './order'
import { PatternTable } from './PatternTable'
import { AT_ONCE } from './queries'
import { Chip } from './Tools'
import { setSearch } from './use-patterns'

interface StripProps {
  filters: Filters
  shown: readonly PatternLine[] | undefined
  total: number | undefined
  /** Why the numbers are not whole. */
  partial: string | undefined
  error: unknown
}

function howMany(shown: readonly PatternLine[], total: number | undefined): string {
  const gone = shown.filter(({ count }) => count === 0).length
  const fresh = shown.filter(({ isNew }) => isNew).length
  const here = shown.length - gone
  const many = total !== undefined && total !== here ? `${exact(here)} of ${counted(total, 'pattern')}` : counted(here, 'pattern')
  return [many, fresh > 0 && `${exact(fresh)} new`, gone > 0 && `${exact(gone)} gone`].filter(Boolean).join(' · ')
}

/** How many there are, which filters came with the address, and whether the numbers are old. */
export function Strip({ filters, shown, total, partial, error }: StripProps) {
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5 text-xs text-muted">
      <output className="nums">{shown ? howMany(shown, total) : 'Reading patterns…'}</output>
      {filters.source !== undefined && <Chip name="source" value={filters.source} onRemove={() => setSearch({ source: undefined })} />}
      {filters.pattern !== undefined && <Chip name="pattern" value={filters.pattern} onRemove={() => setSearch({ pattern: undefined })} />}
      {filters.q !== undefined && <Chip name="lines with" value={filters.q} onRemove={() => setSearch({ q: undefined })} />}
      <span className="ml-auto max-sm:hidden">Change: against the {filters.since === undefined ? 'same stretch' : stretch(filters.since)} before</span>
      <NotWhole why={partial} />
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
}

export function List({ shown, error, retry, order, setOrder, setPointer, sel, filters, nowMs, find }: ListProps) {
  if (!shown && error) return <Failure error={error} onRetry={retry} className="flex-1" />
  if (shown?.length === 0) return <NoPatterns filters={filters} find={find} retry={retry} />
  return <PatternTable lines={shown} order={order} onOrder={setOrder} onPointer={setPointer} selected={sel} filters={filters} nowMs={nowMs} />
}

/** Which kind of nothing it is. */
function NoPatterns({ filters, find, retry }: Pick<ListProps, 'filters' | 'find' | 'retry'>) {
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
      <Empty title="No template contains this" className="flex-1" actions={<Button onClick={() => setSearch({ find: undefined })}>Show all templates</Button>}>
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
          {narrowed && <Button onClick={() => setSearch({ q: undefined, levels: undefined, source: undefined, pattern: undefined })}>Drop the filters</Button>}
          <Button onClick={() => setSearch({ since: 10_080, from: undefined, to: undefined })}>Look at the last 7 days</Button>
        </>
      }
    >
      Each line gets a pattern as it arrives; nothing has matched here.
    </Empty>
  )
}

/** Beyond a thousand patterns: the next thousand. */
export function Pages({ page, total, onPage }: { page: number; total: number; onPage(page: number): void }) {
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
