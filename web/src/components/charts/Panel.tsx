//! A card of a page: border, surface, padding, and `min-w-0`, without which long lines push out of a grid.
import type { ReactNode } from 'react'

export function Panel({ children, className = '', label }: { children: ReactNode; className?: string; label?: string }) {
  return (
    <section aria-label={label} className={`min-w-0 rounded-xl border border-line bg-surface px-3.5 py-3 ${className}`}>
      {children}
    </section>
  )
}

/** Heading of a card that is not a chart, in the same place and size as a chart's. */
export function PanelHeader({ title, note, actions }: { title: ReactNode; note?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="mb-1.5 flex h-6 min-w-0 items-center gap-3">
      <h2 className="shrink-0 text-[13px] font-semibold text-ink">{title}</h2>
      <span className="min-w-0 flex-1 truncate text-xs text-muted">{note}</span>
      {actions}
    </div>
  )
}
