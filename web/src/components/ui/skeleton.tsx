//! What stands where data will be, in the size it will have.
import { cx } from '@/lib/cx'

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cx('skeleton', className)} />
}

/** Lines of text that are on their way; widths differ so that it reads as text. */
export function SkeletonLines({ lines = 3, className }: { lines?: number; className?: string }) {
  const widths = ['w-11/12', 'w-3/4', 'w-5/6', 'w-2/3', 'w-4/5']
  return (
    <div aria-hidden className={cx('flex flex-col gap-2.5', className)}>
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} className={cx('h-3', widths[i % widths.length])} />
      ))}
    </div>
  )
}
