//! The list of patterns. Only rows in sight are there; the table says how many there are.
import { ArrowDown } from 'lucide-react'
import { useEffect, useRef, type RefObject } from 'react'
import { Skeleton } from '@/components/ui/skeleton'
import { cx } from '@/lib/cx'
import type { Filters } from '@/lib/search-params'
import type { Order, PatternLine } from './order'
import { COLUMNS, PatternRow, ROW_PX, type Room } from './PatternRow'
import { useBox } from './use-box'
import { inSight } from './window'

export interface PatternTableProps {
  /** Undefined while they aren't known. */
  lines: readonly PatternLine[] | undefined
  order: Order
  onOrder(order: Order): void
  /** The pointer came or went: rows must not move under it. */
  onPointer(over: boolean): void
  selected: string | undefined
  filters: Filters
  nowMs: number
}

const HEAD_PX = 36
const NARROW_PX = 560
const MIDDLE_PX = 860

function roomOf(width: number): Room {
  return width < NARROW_PX ? 'narrow' : width < MIDDLE_PX ? 'middle' : 'wide'
}

export function PatternTable({ lines, order, onOrder, onPointer, selected, filters, nowMs }: PatternTableProps) {
  const element = useRef<HTMLDivElement>(null)
  const box = useBox(element, 20)
  const room = roomOf(box.width)
  const row = ROW_PX[room]
  const total = lines?.length ?? 0
  const { start, end } = inSight(Math.max(0, box.scrollTop - HEAD_PX), box.height, row, total)
  const place = selected === undefined || !lines ? -1 : lines.findIndex(({ id }) => id === selected)
  useBringIntoView(element, selected, place, row)
  return (
    <div
      ref={element}
      onScroll={box.onScroll}
      onPointerEnter={() => onPointer(true)}
      onPointerLeave={() => onPointer(false)}
      className="relative min-h-0 min-w-0 flex-1 overflow-x-hidden overflow-y-auto"
    >
      <table aria-label="Patterns" aria-rowcount={lines ? total + 1 : -1} className="w-full table-fixed border-separate border-spacing-0">
        <Head room={room} order={order} onOrder={onOrder} />
        <tbody>
          <Spacer px={start * row} room={room} />
          {lines === undefined && <SkeletonRows room={room} />}
          {lines?.slice(start, end).map((line, i) => (
            <PatternRow key={line.id} line={line} place={start + i + 1} room={room} selected={line.id === selected} filters={filters} nowMs={nowMs} />
          ))}
          <Spacer px={(total - end) * row} room={room} />
        </tbody>
      </table>
    </div>
  )
}

function Spacer({ px, room }: { px: number; room: Room }) {
  if (px <= 0) return null
  return (
    <tr aria-hidden="true" style={{ height: px }}>
      <td colSpan={COLUMNS[room]}>&nbsp;</td>
    </tr>
  )
}

function SkeletonRows({ room }: { room: Room }) {
  return Array.from({ length: 14 }, (_, i) => (
    // oxlint-disable-next-line react/no-array-index-key -- the rows never change
    <tr key={i} aria-hidden="true" style={{ height: ROW_PX[room] }}>
      <td colSpan={COLUMNS[room]} className="border-b border-line px-4">
        <Skeleton className={i % 3 === 0 ? 'h-3 w-3/5' : i % 3 === 1 ? 'h-3 w-2/5' : 'h-3 w-1/2'} />
      </td>
    </tr>
  ))
}

/** A selection from a link, or made by keys, is brought into view once; one made by the pointer is in view already. */
function useBringIntoView(element: RefObject<HTMLDivElement | null>, selected: string | undefined, place: number, row: number): void {
  const brought = useRef<string>(undefined)
  useEffect(() => {
    const box = element.current
    if (!box || place < 0 || brought.current === selected) return
    brought.current = selected
    const top = HEAD_PX + place * row
    const hidden = top < box.scrollTop + HEAD_PX || top + row > box.scrollTop + box.clientHeight
    if (hidden) box.scrollTo({ top: Math.max(0, top - box.clientHeight / 3) })
  }, [element, selected, place, row])
}

interface Column {
  name: string
  order?: Order
  /** Class of its width; the first takes what is left. */
  width: string
  rooms: readonly Room[]
  right?: boolean
}

const COLUMN_LIST: readonly Column[] = [
  { name: 'Template', width: '', rooms: ['narrow', 'middle', 'wide'] },
  { name: 'Levels', order: 'errors', width: 'w-24', rooms: ['wide'] },
  { name: 'Trend', width: 'w-32', rooms: ['middle', 'wide'] },
  { name: 'Change', order: 'change', width: 'w-22', rooms: ['middle', 'wide'], right: true },
  { name: 'First seen', order: 'first', width: 'w-28', rooms: ['wide'], right: true },
  { name: 'Lines', order: 'count', width: 'w-22', rooms: ['middle', 'wide'], right: true },
  { name: 'Share', width: 'w-20', rooms: ['wide'], right: true },
]

function Head({ room, order, onOrder }: { room: Room; order: Order; onOrder(order: Order): void }) {
  const columns = COLUMN_LIST.filter(({ rooms }) => rooms.includes(room))
  return (
    <thead className={room === 'narrow' ? 'sr-only' : 'sticky top-0 z-20 bg-raised'}>
      <tr style={{ height: HEAD_PX }}>
        {columns.map((column, i) => (
          <th
            key={column.name}
            scope="col"
            aria-sort={column.order === undefined ? undefined : column.order === order ? 'descending' : 'none'}
            className={cx(
              'border-b border-line text-xs font-medium text-muted',
              column.width,
              column.right ? 'text-right' : 'text-left',
              i === 0 ? 'pl-4' : 'px-2',
              i === columns.length - 1 && 'pr-4',
            )}
          >
            {column.order === undefined ? column.name : <SortButton name={column.name} on={column.order === order} onClick={() => onOrder(column.order ?? 'count')} />}
          </th>
        ))}
      </tr>
    </thead>
  )
}

function SortButton({ name, on, onClick }: { name: string; on: boolean; onClick(): void }) {
  return (
    <button type="button" onClick={onClick} className={cx('-mx-1 inline-flex items-center gap-0.5 rounded px-1 py-0.5 hover:bg-hover hover:text-ink', on && 'text-ink')}>
      {name}
      <ArrowDown aria-hidden className={cx('size-3', !on && 'opacity-0')} />
    </button>
  )
}
