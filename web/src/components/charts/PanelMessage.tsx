//! Why a panel shows nothing, small enough for the lowest chart.
import type { ReactNode } from 'react'
import { reason } from '@/components/ui/states'
import { cx } from '@/lib/cx'

export interface PanelMessageProps {
  title: string
  children?: ReactNode
  /** What can be done about it. */
  action?: { name: string; run(): void }
  alert?: boolean
  className?: string
}

export function PanelMessage({ title, children, action, alert = false, className }: PanelMessageProps) {
  return (
    <div role={alert ? 'alert' : undefined} className={cx('flex min-w-0 flex-col items-center justify-center px-4 py-2 text-center text-xs', className)}>
      <p className={cx('font-semibold', alert ? 'text-bad' : 'text-ink')}>{title}</p>
      <p className="mt-0.5 line-clamp-3 max-w-md text-muted">{children}</p>
      {action && (
        <button type="button" onClick={action.run} className="mt-1 rounded px-1 font-semibold text-accent underline underline-offset-2">
          {action.name}
        </button>
      )}
    </div>
  )
}

export function PanelFailure({ error, retry, className }: { error: unknown; retry(): void; className?: string }) {
  return (
    <PanelMessage alert title="This could not be read" action={{ name: 'Try again', run: retry }} className={className}>
      {reason(error)}
    </PanelMessage>
  )
}
