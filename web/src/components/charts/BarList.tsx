//! Names with bars: how a whole is made up.
import type { ReactNode } from 'react'
import { cx } from '@/lib/cx'
import { count, percent } from '@/lib/format'

export interface BarItem {
  key: string
  name: ReactNode
  value: number
  /** Colour token of the bar. */
  token: string
}

export interface BarListProps {
  items: readonly BarItem[]
  /** What shares are of; the sum where absent. */
  total?: number
  label: string
  /** Width of the names, as a class. */
  nameWidth?: string
}

export function BarList({ items, total, label, nameWidth = 'w-14' }: BarListProps) {
  const all = total ?? items.reduce((sum, { value }) => sum + value, 0)
  return (
    <ul aria-label={label} className="flex min-w-0 flex-col gap-3.5">
      {items.map(({ key, name, value, token }) => (
        <li key={key} className="flex h-6 min-w-0 items-center gap-3 text-xs">
          <span className={cx('shrink-0 truncate', nameWidth)}>{name}</span>
          <span aria-hidden="true" className="h-2 min-w-0 flex-1 overflow-hidden rounded-full bg-raised">
            <span
              className="block h-full rounded-full"
              style={{ width: all > 0 ? `${(value / all) * 100}%` : 0, minWidth: value > 0 ? 3 : 0, background: `var(--${token})` }}
            />
          </span>
          <span className="nums w-24 shrink-0 text-right text-muted">
            {count(value)} <span aria-hidden="true">·</span> {percent(all > 0 ? value / all : 0)}
          </span>
        </li>
      ))}
    </ul>
  )
}
