//! A figure with what became of it and its course.
import { Minus, TrendingDown, TrendingUp } from 'lucide-react'
import type { ReactNode } from 'react'
import { Sparkline } from '@/components/charts'
import { Skeleton } from '@/components/ui/skeleton'
import { cx } from '@/lib/cx'
import { reason } from '@/components/ui/states'
import type { Direction, Tone } from './figures'

export interface TileProps {
  label: string
  /** Undefined while it isn't known. */
  value: string | undefined
  unit?: string
  /** The line below: what changed, against what. */
  below?: ReactNode
  tone?: Tone
  direction?: Direction
  values?: ArrayLike<number | null>
  token: string
  error?: unknown
  onRetry?: () => void
}

const TONES: Record<Tone, string> = { good: 'text-good', bad: 'text-bad', neutral: 'text-muted' }
const ICONS = { up: TrendingUp, down: TrendingDown, flat: Minus }

export function Tile({ label, value, unit, below, tone = 'neutral', direction, values, token, error, onRetry }: TileProps) {
  const Icon = direction && ICONS[direction]
  const failed = value === undefined && error !== null && error !== undefined
  return (
    <section aria-label={label} className="relative h-24 min-w-0 overflow-hidden rounded-xl border border-line bg-surface px-4 py-2.5">
      <h2 className="truncate text-xs font-medium text-muted">{label}</h2>
      {failed ? (
        <p className="mt-1 text-xs text-muted">
          <span className="line-clamp-2">{reason(error)}</span>
          <button type="button" className="font-semibold text-accent underline underline-offset-2" onClick={onRetry}>
            Try again
          </button>
        </p>
      ) : (
        <>
          <div className="mt-0.5 flex h-9 items-end justify-between gap-3">
            {value === undefined ? (
              <Skeleton className="mb-1 h-6 w-24" />
            ) : (
              <p className="nums text-[26px] leading-9 font-semibold tracking-tight whitespace-nowrap text-ink">
                {value}
                {unit !== undefined && <span className="ml-0.5 text-sm font-medium text-muted">{unit}</span>}
              </p>
            )}
            {values !== undefined && <Sparkline values={values} token={token} height={28} fill className="mb-1 w-2/5 max-w-36 min-w-0" />}
          </div>
          <div className={cx('nums mt-1 flex h-5 items-center gap-1.5 text-xs', TONES[tone])}>
            {value === undefined ? <Skeleton className="h-3 w-32" /> : Icon && <Icon aria-hidden className="size-3.5 shrink-0 max-sm:hidden" />}
            {value !== undefined && <span className="truncate">{below}</span>}
          </div>
        </>
      )}
    </section>
  )
}
