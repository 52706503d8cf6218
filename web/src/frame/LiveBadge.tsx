//! Whether the stream is there, and how much comes by it.
import { WifiOff } from 'lucide-react'
import { cx } from '@/lib/cx'
import { rate } from '@/lib/format'
import { useConnection, useLiveRate } from '@/live/hooks'

export function LiveBadge() {
  const connection = useConnection()
  const perSecond = useLiveRate()
  const open = connection.state === 'open'
  const text = open ? `Live${perSecond === null ? '' : ` · ${rate(perSecond)}/s`}` : connection.state === 'lost' ? 'Reconnecting' : 'Connecting'
  return (
    <span
      className={cx(
        'nums inline-flex h-7 min-w-22 shrink-0 items-center justify-center gap-1.5 rounded-full border px-2.5 text-xs font-medium whitespace-nowrap',
        open ? 'border-good/40 bg-good-soft text-good' : 'border-caution/40 bg-caution-soft text-caution',
      )}
    >
      {connection.state === 'lost' ? <WifiOff aria-hidden className="size-3.5" /> : <span aria-hidden className="size-1.5 rounded-full bg-current" />}
      {text}
    </span>
  )
}
