//! Says that what is shown isn't all of it, and why.
import { cx } from '@/lib/cx'

export function NotWhole({ why, className }: { why: string | undefined; className?: string }) {
  if (why === undefined) return null
  return (
    <span className={cx('min-w-0 truncate text-caution', className)} title={why}>
      Not all of it: {why}
    </span>
  )
}
