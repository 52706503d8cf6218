//! What the same source said just before and after, whatever the filters; newest on top, as in the table.
import { useEffect, useRef } from 'react'
import type { Row } from '@/api/types'
import { LEVEL_FILL } from '@/components/LevelTag'
import { LogText } from '@/components/LogText'
import { SkeletonLines } from '@/components/ui/skeleton'
import { Failure } from '@/components/ui/states'
import { cx } from '@/lib/cx'
import { rowTime } from '@/lib/format'
import { storedRow, type TableRow } from '@/live/rows'

function Lines({ rows, seq, onSelect }: { rows: readonly Row[]; seq: string; onSelect: (row: TableRow) => void }) {
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    const box = list.current
    const middle = box?.querySelector<HTMLElement>('[aria-current]')
    if (box && middle) box.scrollTop = middle.offsetTop - box.clientHeight / 2 + middle.clientHeight / 2
  }, [])
  return (
    <ul ref={list} className="relative max-h-64 overflow-y-auto rounded-lg border border-line py-1">
      {rows.map((row) => (
        <li key={row.seq}>
          <button
            type="button"
            aria-current={row.seq === seq || undefined}
            onClick={() => onSelect(storedRow(row))}
            className={cx('flex w-full items-center gap-2 px-2.5 py-0.5 text-left hover:bg-hover', row.seq === seq && 'bg-accent-soft!')}
          >
            <span aria-hidden className={cx('h-3.5 w-0.5 shrink-0 rounded-full', LEVEL_FILL[row.level])} />
            <span className="log-text nums shrink-0 text-muted">{rowTime(Date.parse(row.timestamp))}</span>
            <span className="sr-only">{row.level}</span>
            <span className="min-w-0 truncate">
              <LogText text={row.message} max={300} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}

/** What is known of the lines: as a query says it. */
interface Asked {
  data?: readonly Row[]
  isPending: boolean
  isError: boolean
  error: unknown
  refetch(): unknown
}

export function Around({ seq, around, onSelect }: { seq: string; around: Asked; onSelect: (row: TableRow) => void }) {
  return (
    <section aria-label="Lines around it">
      <h2 className="mb-1.5 text-xs font-semibold text-subtle">Lines around it, of the same source</h2>
      {around.isPending && <SkeletonLines lines={6} />}
      {around.isError && <Failure error={around.error} title="The lines around it are not there" onRetry={() => void around.refetch()} className="py-3!" />}
      {around.data && <Lines key={seq} rows={around.data.toReversed()} seq={seq} onSelect={onSelect} />}
    </section>
  )
}
