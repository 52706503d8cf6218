//! One pattern in the list.
import { Link } from '@/frame/Link'
import { Filter, FilterX } from 'lucide-react'
import { memo, type KeyboardEvent } from 'react'
import { LevelMix, NewBadge, PatternTrend, Template } from '@/components/charts'
import { buttonClass } from '@/components/ui/button'
import { tip } from '@/components/ui/tooltip'
import { cx } from '@/lib/cx'
import { ago, count, exact, percent } from '@/lib/format'
import { plain } from '@/lib/hostile'
import type { Filters } from '@/lib/search-params'
import { without } from './explore-links'
import { changeText, type PatternLine } from './order'

/** What has room: a phone shows two lines a row, a list beside a detail leaves columns out. */
export type Room = 'narrow' | 'middle' | 'wide'

export const ROW_PX: Record<Room, number> = { narrow: 60, middle: 40, wide: 40 }
export const COLUMNS: Record<Room, number> = { narrow: 1, middle: 4, wide: 7 }

export interface PatternRowProps {
  line: PatternLine
  /** Place in the whole list, from 1. */
  place: number
  room: Room
  selected: boolean
  filters: Filters
  nowMs: number
}

/** More of what is mostly errors and warnings is worse; more of the rest is just more. */
function changeTone({ count: now, before, levels }: PatternLine): string {
  const grave = levels.error + levels.warn > levels.info + levels.debug
  if (before === null || now === before) return 'text-muted'
  return now > before && grave ? 'text-bad' : 'text-muted'
}

export const PatternRow = memo(function PatternRow({ line, place, room, selected, filters, nowMs }: PatternRowProps) {
  const change = changeText(line)
  const trend = <PatternTrend counts={line.trend} open={filters.from === undefined} levels={line.levels} className="w-full" />
  return (
    <tr
      aria-rowindex={place + 1}
      className={cx('group relative *:border-b *:border-line', selected ? 'bg-accent-soft' : 'hover:bg-hover has-[a:focus-visible]:bg-hover')}
      style={{ height: ROW_PX[room] }}
    >
      <td className="min-w-0 py-0 pr-2 pl-4">
        <div className="flex min-w-0 items-center gap-2">
          <Link
            to="/patterns"
            search={(old) => ({ ...old, sel: line.id })}
            replace
            data-pattern={line.id}
            onKeyDown={moveFocus}
            aria-current={selected || undefined}
            title={plain(line.template, 300)}
            className="min-w-0 truncate after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
          >
            <Template text={line.template} />
          </Link>
          {line.isNew && <NewBadge />}
          {room !== 'narrow' && <RowLinks line={line} filters={filters} />}
        </div>
        {room === 'narrow' && (
          <div className="nums mt-1.5 flex min-w-0 items-center gap-3 text-xs text-muted">
            <LevelMix levels={line.levels} className="w-16 shrink-0" />
            <span className="w-20 shrink-0">{trend}</span>
            <span className={cx('ml-auto', changeTone(line))}>{change}</span>
            <span className="min-w-12 text-right text-ink">{count(line.count)}</span>
          </div>
        )}
      </td>
      {room === 'wide' && (
        <td className="px-2">
          <LevelMix levels={line.levels} />
        </td>
      )}
      {room !== 'narrow' && <td className="px-2">{trend}</td>}
      {room !== 'narrow' && <td className={cx('nums px-2 text-right text-xs', changeTone(line))}>{change}</td>}
      {room === 'wide' && (
        <td className="nums px-2 text-right text-xs whitespace-nowrap text-muted" title={line.firstSeen}>
          {ago(Date.parse(line.firstSeen), nowMs)}
        </td>
      )}
      {room !== 'narrow' && (
        <td className={cx('nums px-2 text-right text-xs text-ink', room === 'middle' && 'pr-4')} title={exact(line.count)}>
          {count(line.count)}
        </td>
      )}
      {room === 'wide' && <td className="nums pr-4 pl-2 text-right text-xs text-muted">{percent(line.share)}</td>}
    </tr>
  )
})

/** Up and down go from row to row. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const row = event.currentTarget.closest('tr')
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling
  const link = next?.querySelector<HTMLElement>('[data-pattern]')
  if (!link) return
  event.preventDefault()
  link.focus()
}

function RowLinks({ line, filters }: { line: PatternLine; filters: Filters }) {
  const look = cx(buttonClass('ghost', true), 'w-7 !px-0')
  const name = plain(line.template, 60)
  return (
    <span className="relative z-10 ml-auto flex shrink-0 gap-0.5 opacity-0 group-hover:opacity-100 focus-within:opacity-100">
      <Link to="/explore" search={{ ...filters, pattern: line.id }} className={look} aria-label={`Show the lines of ${name}`} {...tip('Show its lines in Explore')}>
        <Filter aria-hidden className="size-3.5" />
      </Link>
      <Link to="/explore" search={without(filters, line.id)} className={look} aria-label={`Explore without ${name}`} {...tip('Explore without it')}>
        <FilterX aria-hidden className="size-3.5" />
      </Link>
    </span>
  )
}
