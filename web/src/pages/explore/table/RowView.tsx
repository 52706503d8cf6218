//! One row of the table.
import { memo, type ReactNode } from 'react'
import { LevelTag } from '@/components/LevelTag'
import { LogText } from '@/components/LogText'
import { cx } from '@/lib/cx'
import { datedRowTime, rowTime } from '@/lib/format'
import { readExtra, type TableRow } from '@/live/rows'
import { fieldPath, fieldValue, type Column } from './columns'

/** How rows are laid out; the same object for all of them until it changes. */
export interface Layout {
  columns: readonly Column[]
  height: number
  /** Lines of a message that are shown. */
  lines: 1 | 3
  /** Two lines: what the columns say above, the message below. */
  phone: boolean
  dated: boolean
  /** Errors stand out by their ground; not where all lines are errors. */
  tinted: boolean
}

export interface RowViewProps {
  row: TableRow | undefined
  index: number
  /** px from the top of the content. */
  top: number
  selected: boolean
  current: boolean
  layout: Layout
}

/** Characters of a message that a row of one line can show at all. */
const MOST_SHOWN = 600

function Cell({ column, row, layout }: { column: Column; row: TableRow; layout: Layout }): ReactNode {
  switch (column.key) {
    case 'time':
    case 'received': {
      const at = column.key === 'time' ? row.time : row.received
      return <span className="log-text nums text-muted">{layout.dated ? datedRowTime(at) : rowTime(at)}</span>
    }
    case 'level':
      return <LevelTag level={row.level} />
    case 'source':
      return <LogText text={row.source} max={120} className="text-muted" />
    case 'pattern':
      return <span className="log-text text-subtle">{row.patternId}</span>
    default: {
      const value = fieldValue(readExtra(row.extra).context, fieldPath(column.key) ?? '')
      return value === '' ? <span className="text-subtle">–</span> : <LogText text={value} max={200} />
    }
  }
}

const ROW = 'absolute inset-x-0 grid gap-x-3 overflow-hidden border-l-2 px-3'

function look(row: TableRow | undefined, { selected, current, layout }: RowViewProps): string {
  const tint = layout.tinted && 'bg-[color-mix(in_srgb,var(--bad-soft)_60%,transparent)]'
  const level = row?.level === 'error' ? cx('border-error-fill', tint) : 'border-transparent'
  if (selected) return 'border-accent! bg-accent-soft!'
  return cx(level, current ? 'bg-hover!' : 'hover:bg-hover')
}

function Mark({ row }: { row: TableRow }) {
  return (
    <div role="gridcell" className="col-span-full flex min-w-0 items-center gap-3 text-xs text-caution">
      <span aria-hidden className="h-px flex-1 bg-caution/40" />
      <span className="min-w-0 truncate">{row.message}</span>
      <span aria-hidden className="h-px flex-1 bg-caution/40" />
    </div>
  )
}

function Line({ row, layout }: { row: TableRow; layout: Layout }) {
  return (
    <>
      {layout.columns.map((column) => (
        <div key={column.key} role="gridcell" className="min-w-0 truncate">
          <Cell column={column} row={row} layout={layout} />
        </div>
      ))}
      <div role="gridcell" className={cx('min-w-0', layout.phone && 'col-span-full', layout.lines === 1 ? 'truncate' : 'line-clamp-3 wrap-anywhere')}>
        <LogText text={row.message} max={layout.lines === 1 ? MOST_SHOWN : MOST_SHOWN * 2} />
      </div>
    </>
  )
}

function Waiting({ layout }: { layout: Layout }) {
  return (
    <div role="gridcell" aria-label="Loading" className="col-span-full">
      <div className="skeleton h-2.5" style={{ width: layout.phone ? '80%' : '45%' }} />
    </div>
  )
}

function sameRow(a: TableRow | undefined, b: TableRow | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.seq === b.seq && a.kind === b.kind && a.message === b.message)
}

function same(a: RowViewProps, b: RowViewProps): boolean {
  return a.index === b.index && a.top === b.top && a.selected === b.selected && a.current === b.current && a.layout === b.layout && sameRow(a.row, b.row)
}

export const RowView = memo(function RowView(props: RowViewProps) {
  const { row, index, top, selected, layout } = props
  return (
    <div
      role="row"
      id={`row-${index}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-index={index}
      className={cx(ROW, layout.lines === 3 ? 'content-start items-start border-b border-b-line/60 py-1' : 'items-center', row?.kind === 'mark' ? 'border-transparent' : look(row, props))}
      style={{ transform: `translateY(${top}px)`, height: layout.height, gridTemplateColumns: 'var(--tracks)' }}
    >
      {row === undefined ? <Waiting layout={layout} /> : row.kind === 'mark' ? <Mark row={row} /> : <Line row={row} layout={layout} />}
    </div>
  )
}, same)
