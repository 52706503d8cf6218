//! Said across the page while the stream is away: since when, and when it is tried again.
import { useEffect, useState } from 'react'
import { WifiOff } from 'lucide-react'
import { duration } from '@/lib/duration'
import { useConnection } from '@/live/hooks'
import { live } from '@/live/live'

/** The time, told anew each second. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}

export function DisconnectedStrip() {
  const connection = useConnection()
  return connection.state === 'lost' ? <Strip retryAt={connection.retryAt} since={connection.since} /> : null
}

function Strip({ retryAt, since }: { retryAt: number; since: number }) {
  const now = useNow()
  const wait = Math.ceil((retryAt - now) / 1000)
  return (
    <section aria-label="Connection" className="flex min-h-9 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-caution/30 bg-caution-soft px-4 py-1 text-caution">
      <WifiOff aria-hidden className="size-4 shrink-0" />
      <output>Disconnected from the live stream</output>
      <span className="nums" aria-hidden>
        for {duration(Math.max(0, now - since))} · {wait > 0 ? `trying again in ${wait} s` : 'trying now…'}
      </span>
      <button type="button" className="font-semibold underline underline-offset-2" onClick={() => live.retry()}>
        Try now
      </button>
      <span className="text-muted max-md:hidden">What is shown stays; what comes meanwhile is filled in afterwards.</span>
    </section>
  )
}
