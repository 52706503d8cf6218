//! A card of a page that isn't a chart, with its heading in the same place and size as a chart's.
import { useId, type ReactNode } from 'react'
import { cx } from '@/lib/cx'

export interface PanelProps {
  title: string
  remark?: ReactNode
  actions?: ReactNode
  className?: string
  children: ReactNode
}

export function Panel({ title, remark, actions, className, children }: PanelProps) {
  const id = useId()
  return (
    <section aria-labelledby={id} className={cx('flex min-w-0 flex-col rounded-xl border border-line bg-surface', className)}>
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
