//! The Patterns page: what kinds of lines there are, how they move, and what is new.
import { useCallback, useMemo, useState } from 'react'
import { TimeRange } from '@/components/TimeRange'
import { Page } from '@/frame/Page'
import { useSearch } from '@/frame/router'
import { cx } from '@/lib/cx'
import { formatLevels, parseLevels, type Filters, type PatternsSearch } from '@/lib/search-params'
import { List, Pages, Strip } from './List'
import type { Order } from './order'
import { PatternDetail } from './PatternDetail'
import { FindTemplates, LevelToggles, OrderSelect } from './Tools'
import { DEFAULT_SINCE, filtersOf, select, setSearch, useArranged, usePatternKeys, usePatternLines } from './use-patterns'

function setOrder(order: Order): void {
  setSearch({ sort: order === 'count' ? undefined : order })
}

/** Closes the detail; the focus goes back to its row, which may be there again only after the list is. */
function close(sel: string | undefined): void {
  select(undefined)
  setTimeout(() => document.querySelector<HTMLElement>(`[data-pattern="${sel ?? ''}"]`)?.focus(), 0)
}

export function PatternsPage() {
  const search = useSearch('/patterns')
  const filters = useMemo(() => filtersOf(search), [search])
  const { sort: order = 'count', page = 1, find, sel } = search
  const [pointer, setPointer] = useState(false)
  const { lines, total, partial, error, nowMs, retry } = usePatternLines(filters, page, order)
  const shown = useArranged(lines, find, order, pointer)
  usePatternKeys(shown, sel, () => close(sel))
  return (
    <Page title="Patterns" bar={<Bar search={search} filters={filters} order={order} />}>
      <div className="flex min-h-0 min-w-0 flex-1">
        <section aria-label="List of patterns" className={cx('flex min-h-0 min-w-0 flex-1 flex-col bg-surface', sel !== undefined && 'max-lg:hidden')}>
          <Strip filters={filters} shown={shown} total={total} partial={partial} error={lines ? error : null} />
          <List {...{ shown, error, retry, order, setOrder, setPointer, sel, filters, nowMs, find }} />
          <Pages page={page} total={total ?? 0} onPage={(to) => setSearch({ page: to === 1 ? undefined : to })} />
        </section>
        {sel !== undefined && (
          <PatternDetail id={sel} line={lines?.find(({ id }) => id === sel)} filters={{ ...filters, pattern: undefined }} nowMs={nowMs} onClose={() => close(sel)} />
        )}
      </div>
    </Page>
  )
}

function Bar({ search, filters, order }: { search: PatternsSearch; filters: Filters; order: Order }) {
  const onFind = useCallback((value: string) => setSearch({ find: value === '' ? undefined : value }, true), [])
  return (
    <>
      <FindTemplates value={search.find ?? ''} onChange={onFind} />
      <LevelToggles chosen={parseLevels(search.levels)} onChange={(levels) => setSearch({ levels: formatLevels(levels) })} />
      <OrderSelect order={order} onChange={setOrder} />
      <TimeRange
        value={filters}
        absolute
        onChange={({ since, from, to }) => setSearch({ from, to, since: from !== undefined || since === DEFAULT_SINCE ? undefined : since })}
      />
    </>
  )
}
