//! A card of a page; its heading stands in the same place and has the same size as a chart's.
import { useId, type ReactNode } from 'react'
import { cx } from '@/lib/cx'

export interface PanelProps {
  /** Absent: what is inside has a heading of its own. */
  title?: string
  remark?: ReactNode
  actions?: ReactNode
  className?: string
  children: ReactNode
}

export function Panel({ title, remark, actions, className, children }: PanelProps) {
  const id = useId()
  const look = cx('flex min-w-0 flex-col rounded-xl border border-line bg-surface', className)
  if (title === undefined) return <div className={cx(look, 'px-4 pt-3 pb-2')}>{children}</div>
  return (
    <section aria-labelledby={id} className={look}>
      <header className="mb-1 flex h-9 min-w-0 shrink-0 items-center gap-3 px-4 pt-3">
        <h2 id={id} className="shrink-0 text-[13px] font-semibold text-ink">
          {title}
        </h2>
        <span className="nums min-w-0 flex-1 truncate text-xs text-muted">{remark}</span>
        {actions}
      </header>
      {children}
    </section>
  )
}
