//! The table: rows of one height, of which only those in sight exist. The scroll container is the grid.
import { useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, type KeyboardEvent, type MouseEvent, type ReactNode, type Ref, type RefObject } from 'react'
import { rowsInSight } from '@/lib/scroll-map'
import type { RowSource } from '../rows/source'
import { RowView, type Layout } from './RowView'
import { useScroll } from './use-scroll'

export interface GridHandle {
  /** Scrolls as little as needed to have the row in sight. */
  reveal(index: number): void
  /** Puts the row at the top. */
  goTo(index: number): void
  focus(): void
}

export interface GridProps {
  ref?: Ref<GridHandle>
  source: RowSource
  layout: Layout
  /** Rows are another list when this changes: the grid goes to its top. */
  listKey: string
  /** Row at the top at first. */
  startAt?: number
  selected?: string
  cursor: number | null
  label: string
  /** After the last row. */
  tail?: ReactNode
  /** Rows of the filters before: shown, but not as if they were these. */
  stale: boolean
  onOpen(index: number): void
  onMove(to: number): void
  /** Someone reads: the mouse is down on a row, text is selected, or the top was scrolled away. */
  onRead(): void
  /** Rows in sight; `end` is exclusive. */
  onSight(start: number, end: number): void
}

const SPARE = 8

function selecting(grid: HTMLElement): boolean {
  const selection = document.getSelection()
  return selection !== null && !selection.isCollapsed && grid.contains(selection.anchorNode)
}

function Header({ layout }: { layout: Layout }) {
  return (
    <div
      role="row"
      aria-rowindex={1}
      className="sticky top-0 z-10 grid h-[30px] items-center gap-x-3 border-b border-l-2 border-line border-l-transparent bg-surface px-3 text-xs text-subtle"
      style={{ gridTemplateColumns: 'var(--tracks)' }}
    >
      {layout.columns.map(({ key, title }) => (
        <div key={key} role="columnheader" className="min-w-0 truncate" {...(key === 'time' && { 'aria-sort': 'descending' })}>
          {title}
        </div>
      ))}
      <div role="columnheader" className={layout.phone ? 'sr-only' : 'min-w-0 truncate'}>
        Message
      </div>
    </div>
  )
}

function rowOf(event: MouseEvent): number | null {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-index]') : null
  return row ? Number(row.dataset.index) : null
}

/** Tells which rows are in sight, once scrolling rests. */
function useSightTold(first: number, last: number, onSight: (first: number, last: number) => void): void {
  useEffect(() => {
    const timer = setTimeout(() => onSight(first, last), 60)
    return () => clearTimeout(timer)
  }, [first, last, onSight])
}

/** Someone who selects text reads. */
function useSelectionRead(element: RefObject<HTMLElement | null>, onRead: () => void): void {
  useEffect(() => {
    const changed = () => {
      if (element.current && selecting(element.current)) onRead()
    }
    document.addEventListener('selectionchange', changed)
    return () => document.removeEventListener('selectionchange', changed)
  }, [element, onRead])
}

/** Begins at a row as soon as there are rows, and at the top of every other list. */
function useStart(rows: number, startsAt: number, listKey: string, goTo: (index: number) => void): void {
  const startAt = useRef(startsAt)
  useLayoutEffect(() => {
    if (rows === 0 || startAt.current === 0) return
    goTo(startAt.current)
    startAt.current = 0
  }, [rows, goTo])
  const listBefore = useRef(listKey)
  useLayoutEffect(() => {
    if (listBefore.current === listKey) return
    listBefore.current = listKey
    goTo(0)
  }, [listKey, goTo])
}

/** Where a key leads from the marked row; undefined for every other key. */
function moved(key: string, cursor: number | null, rowsInView: number, count: number): number | undefined {
  const page = Math.max(1, rowsInView - 1)
  const at = cursor ?? -1
  const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: Math.max(at, 0) + page, PageUp: at - page, Home: 0, End: count - 1 }
  const to = moves[key]
  return to === undefined || count === 0 ? undefined : Math.max(0, Math.min(to, count - 1))
}

function tracksOf({ phone, columns }: Layout): string {
  return phone ? 'auto auto 1fr' : [...columns.map(({ width }) => width), 'minmax(min(45%, 360px), 1fr)'].join(' ')
}

export function Grid({ ref, startAt = 0, ...props }: GridProps) {
  const { source, layout, cursor, tail, onOpen, onMove, onRead, onSight, listKey } = props
  const { element, sight, goTo, scrolled, height } = useScroll(source.count, layout.height, tail !== undefined)
  const { start, end } = rowsInSight(sight.top, sight.view, layout.height, source.count, SPARE)
  const goToRow = useCallback((index: number) => goTo(index * layout.height), [goTo, layout.height])
  const reveal = (index: number) => {
    const top = index * layout.height
    if (top < sight.top) goTo(top)
    else if (top + layout.height > sight.top + sight.view) goTo(top + layout.height - sight.view)
  }
  useImperativeHandle(ref, () => ({ reveal, goTo: goToRow, focus: () => element.current?.focus({ preventScroll: true }) }))
  useStart(source.count, startAt, listKey, goToRow)
  useSightTold(Math.floor(sight.top / layout.height), Math.min(source.count, Math.ceil((sight.top + sight.view) / layout.height)), onSight)
  useSelectionRead(element, onRead)
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const to = moved(event.key, cursor, Math.floor(sight.view / layout.height), source.count)
    if (to === undefined) return
    event.preventDefault()
    onMove(to)
  }
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the keys of the page do the same; the grid itself takes the focus
    <div
      ref={element}
      role="grid"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a grid is interactive
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={source.count + 1}
      aria-colcount={layout.columns.length + 1}
      aria-readonly
      aria-busy={props.stale || undefined}
      aria-activedescendant={cursor !== null && cursor >= start && cursor < end ? `row-${cursor}` : undefined}
      className={`relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain outline-none focus-visible:outline-2 focus-visible:-outline-offset-2 ${props.stale ? 'opacity-60' : ''}`}
      style={{ '--tracks': tracksOf(layout) } as React.CSSProperties}
      onScroll={() => {
        if (scrolled() && (element.current?.scrollTop ?? 0) > 0) onRead()
      }}
      onMouseDown={(event) => {
        if (rowOf(event) !== null && event.button === 0) onRead()
      }}
      onClick={(event) => {
        const index = rowOf(event)
        if (index !== null && element.current && !selecting(element.current)) onOpen(index)
      }}
      onKeyDown={pressed}
    >
      <div role="rowgroup" className="contents">
        <Header layout={layout} />
      </div>
      <Body {...props} start={start} end={end} shift={sight.shift} height={height} />
    </div>
  )
}

type BodyProps = Pick<GridProps, 'source' | 'layout' | 'selected' | 'cursor' | 'tail'> & {
  /** Rows that exist. */
  start: number
  end: number
  /** Added to a place in the list for its place in the element. */
  shift: number
  height: number
}

function Body({ source, layout, selected, cursor, tail, start, end, shift, height }: BodyProps) {
  return (
    <div role="rowgroup" className="relative" style={{ height }}>
      {Array.from({ length: end - start }, (_, i) => {
        const index = start + i
        const row = source.get(index)
        return (
          <RowView
            // A place in the window rather than a row: rows that pass by reuse what is there.
            key={index % (end - start + 1)}
            row={row}
            index={index}
            top={index * layout.height + shift}
            selected={row !== undefined && row.seq !== '' && row.seq === selected}
            current={index === cursor}
            layout={layout}
          />
        )
      })}
      {tail !== undefined && end === source.count && (
        <div role="row" className="absolute inset-x-0 flex h-11 items-center justify-center text-xs text-muted" style={{ transform: `translateY(${source.count * layout.height + shift}px)` }}>
          <div role="gridcell">{tail}</div>
        </div>
      )}
    </div>
  )
}
