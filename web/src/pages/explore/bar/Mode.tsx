//! Live or history; and, live, whether the table follows or stands still.
import { History, Pause, Play } from 'lucide-react'
import { tip } from '@/components/ui/tooltip'
import { cx } from '@/lib/cx'

export interface ModeProps {
  live: boolean
  frozen: boolean
  onLive(): void
  onHistory(): void
  onPause(): void
}

const PART = 'inline-flex h-7 items-center gap-1.5 rounded px-2.5 font-medium max-sm:px-2 transition-colors'
const ON = 'bg-accent-solid text-on-accent'
const OFF = 'text-muted hover:text-ink'

export function Mode({ live, frozen, onLive, onHistory, onPause }: ModeProps) {
  const following = live && !frozen
  const says = following ? 'Pause' : live ? 'Resume' : 'Go live'
  return (
    <div role="group" aria-label="Live or history" className="flex h-8 shrink-0 items-center rounded-md border border-line bg-surface px-0.5">
      <button type="button" aria-label={following ? 'Live: pause' : live ? 'Paused: resume' : 'Live: follow'} onClick={live ? onPause : onLive} className={cx(PART, live ? ON : OFF)} {...tip(says, live ? 'Space' : undefined)}>
        {following ? <Pause aria-hidden className="size-3.5" /> : <Play aria-hidden className="size-3.5" />}
        {live && frozen ? 'Paused' : 'Live'}
      </button>
      <button type="button" aria-pressed={!live} onClick={onHistory} className={cx(PART, live ? OFF : ON)} {...tip('Page through what is stored')}>
        <History aria-hidden className="size-3.5" />
        <span className="max-sm:sr-only">History</span>
      </button>
    </div>
  )
}
