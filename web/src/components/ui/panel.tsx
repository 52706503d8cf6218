//! The card that holds one thing of a page: a title, a remark, controls, and the thing.
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
      <header className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 px-4 pt-3 pb-1">
        <h2 id={id} className="text-[13px] font-semibold">
          {title}
        </h2>
        {remark !== undefined && <span className="min-w-0 truncate text-xs text-muted">{remark}</span>}
        {actions !== undefined && <div className="ml-auto flex items-center gap-1">{actions}</div>}
      </header>
      {children}
    </section>
  )
}
