//! Someone reading: the marked line, the open one, and the freeze that keeps both where they are.
import { useCallback, useEffect, useRef, useState, type RefObject } from 'react'
import type { ExploreSearch } from '@/lib/search-params'
import { live } from '@/live/live'
import { PAGE } from './rows/history'
import type { GridHandle } from './table/Grid'
import type { ExploreActions } from './use-explore'
import type { Rows } from './use-rows'

/** Rows below those in sight that a frozen view keeps. */
const KEPT = 200
/** So near to the end the next older rows are read. */
const NEAR = 40
/** The URL follows the page in sight after so long without scrolling. */
const SETTLE_MS = 250

/** Puts the page in sight into the URL, once scrolling rests. */
function usePageInUrl(now: number, put: (page: number) => void): (page: number) => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    const pending = timer
    return () => clearTimeout(pending.current)
  }, [])
  return (page) => {
    clearTimeout(timer.current)
    if (page !== now) timer.current = setTimeout(() => put(page), SETTLE_MS)
  }
}

/** The marked line; another list has none. */
function useCursor(listKey: string): [number | null, (cursor: number | null) => void] {
  const [cursor, setCursor] = useState<number | null>(null)
  const [listBefore, setListBefore] = useState(listKey)
  if (listBefore !== listKey) {
    setListBefore(listKey)
    setCursor(null)
  }
  return [cursor, setCursor]
}

/** Freezes what is seen while live, down to a little below the lowest row in sight; an open line does so by itself. */
function useFreeze({ isLive, liveRows }: Rows, isOpen: boolean, lowest: RefObject<number>): () => void {
  const read = useCallback(() => {
    if (isLive) live.hold((live.ring.held?.top ?? live.ring.next) - 1 - lowest.current - KEPT)
  }, [isLive, lowest])
  const { frozen } = liveRows
  useEffect(() => {
    if (isOpen && isLive && !frozen) read()
  }, [isOpen, isLive, frozen, read])
  return read
}

export function useReading(search: ExploreSearch, rows: Rows, actions: ExploreActions) {
  const { isLive, source, stale, listKey, liveRows, history } = rows
  const grid = useRef<GridHandle>(null)
  const lowest = useRef(0)
  const [cursor, setCursor] = useCursor(listKey)
  const sel = search.sel?.slice(0, search.sel.indexOf('@'))
  const isOpen = sel !== undefined
  const read = useFreeze(rows, isOpen, lowest)
  const pageInUrl = usePageInUrl(search.page ?? 1, actions.page)

  const latest = () => {
    setCursor(null)
    if (isOpen) actions.select(null)
    rows.toLatest()
    grid.current?.goTo(0)
  }
  const move = (to: number) => {
    if (stale) return
    read()
    setCursor(to)
    grid.current?.reveal(to)
    const row = source.get(to)
    if (isOpen && row?.kind === 'line') actions.select(row)
  }
  const step = (by: 1 | -1) => {
    if (source.count === 0) return
    const at = cursor ?? (sel === undefined ? undefined : source.indexOf(sel))
    move(at === undefined ? 0 : Math.max(0, Math.min(at + by, source.count - 1)))
  }
  const open = (index: number) => {
    const row = source.get(index)
    if (stale || row?.kind !== 'line') return
    read()
    setCursor(index)
    actions.select(row)
  }
  const close = () => {
    actions.select(null)
    grid.current?.focus()
  }
  const page = (number: number) => {
    grid.current?.goTo((number - 1) * PAGE)
    actions.page(number)
  }
  const onSight = (start: number, end: number) => {
    lowest.current = end
    if (!isLive) {
      history.sight(start, end)
      pageInUrl(Math.floor(start / PAGE) + 1)
      return
    }
    if (liveRows.frozen) read()
    if (end >= source.count - NEAR && live.backfill.state === 'ready') void live.loadOlder()
  }
  return { grid, cursor, sel, read, latest, move, step, open, close, page, onSight, pause: () => (liveRows.frozen ? latest() : read()) }
}

export type Reading = ReturnType<typeof useReading>
