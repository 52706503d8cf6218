//! A panel without data: why it is empty, or what went wrong and how to try again.
import { CircleAlert, RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiError } from '@/api/client'
import { cx } from '@/lib/cx'
import { Button } from './button'

export interface EmptyProps {
  title: string
  icon?: ReactNode
  /** What it means, or what to do. */
  children?: ReactNode
  actions?: ReactNode
  className?: string
}

export function Empty({ title, icon, children, actions, className }: EmptyProps) {
  return (
    <div className={cx('flex flex-col items-center justify-center gap-1.5 px-6 py-8 text-center', className)}>
      {icon !== undefined && <div className="mb-1 text-subtle">{icon}</div>}
      <p className="font-semibold text-ink">{title}</p>
      {children !== undefined && <div className="max-w-lg text-muted">{children}</div>}
      {actions !== undefined && <div className="mt-3 flex flex-wrap justify-center gap-2">{actions}</div>}
    </div>
  )
}

/** What an error says to people. */
export function reason(error: unknown): string {
  if (error instanceof ApiError) return error.message
  return error instanceof Error ? error.message : String(error)
}

export interface FailureProps {
  error: unknown
  onRetry?: () => void
  title?: string
  className?: string
}

export function Failure({ error, onRetry, title = 'This could not be read', className }: FailureProps) {
  return (
    <div role="alert" className={cx('flex flex-col items-center justify-center gap-1.5 px-6 py-6 text-center', className)}>
      <CircleAlert aria-hidden className="size-5 text-bad" />
      <p className="font-semibold text-ink">{title}</p>
      <p className="max-w-lg break-words text-muted">{reason(error)}</p>
      {onRetry && (
        <Button small className="mt-2" onClick={onRetry}>
          <RotateCw aria-hidden className="size-3.5" /> Try again
        </Button>
      )}
    </div>
  )
}
