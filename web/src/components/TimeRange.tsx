//! The choice of time: so far back from now, or from one moment to another.
import { Calendar, Check, ChevronDown } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { Button } from '@/components/ui/button'
import { Popover } from '@/components/ui/popover'
import { cx } from '@/lib/cx'
import { RANGES, rangeLabel } from '@/lib/time-range'

export interface TimeValue {
  since?: number
  from?: number
  to?: number
}

export interface TimeRangeProps {
  value: TimeValue
  onChange: (value: TimeValue) => void
  /** May an absolute range be chosen? */
  absolute?: boolean
  /** May all of time be chosen? */
  all?: boolean
}

/** Epoch ms as an `<input type="datetime-local">` has it: local time to the second. */
function localInput(ms: number): string {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return date.toISOString().slice(0, 19)
}

function Absolute({ value, onChange }: { value: TimeValue; onChange: (value: TimeValue) => void }) {
  const [from, setFrom] = useState(() => localInput(value.from ?? Date.now() - (value.since ?? 60) * 60_000))
  const [to, setTo] = useState(() => localInput(value.to ?? Date.now()))
  const [wrong, setWrong] = useState(false)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const range = { from: Date.parse(from), to: Date.parse(to) }
    if (range.from < range.to) onChange(range)
    else setWrong(true)
  }
  const field = 'h-8 w-full rounded-md border border-line bg-bg px-2 text-ink'
  return (
    <form onSubmit={submit} className="flex flex-col gap-2 border-t border-line p-2 pt-2.5">
      <label className="flex flex-col gap-1 text-xs text-muted">
        From
        <input type="datetime-local" step="1" required value={from} onChange={(event) => setFrom(event.target.value)} className={field} />
      </label>
      <label className="flex flex-col gap-1 text-xs text-muted">
        To
        <input type="datetime-local" step="1" required value={to} onChange={(event) => setTo(event.target.value)} className={field} />
      </label>
      {wrong && (
        <p role="alert" className="text-xs text-bad">
          “From” must be before “To”.
        </p>
      )}
      <Button type="submit" kind="solid" small>
        Show this range
      </Button>
    </form>
  )
}

function Choice({ since, chosen, onChoose }: { since: number | undefined; chosen: boolean; onChoose: () => void }) {
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={onChoose}
      className={cx('flex h-8 items-center justify-between rounded-md px-2 text-left hover:bg-hover', chosen ? 'text-ink' : 'text-muted')}
    >
      {rangeLabel({ since })}
      {chosen && <Check aria-hidden className="size-3.5 text-accent" />}
    </button>
  )
}

export function TimeRange({ value, onChange, absolute = false, all = false }: TimeRangeProps) {
  const custom = value.from !== undefined
  const choices: (number | undefined)[] = all ? [...RANGES, undefined] : [...RANGES]
  const trigger = (
    <Button aria-label={`Time range: ${rangeLabel(value)}`} className="min-w-0">
      <Calendar aria-hidden className="size-3.5 shrink-0 text-subtle" />
      <span className="truncate">{rangeLabel(value)}</span>
      <ChevronDown aria-hidden className="size-3.5 shrink-0 text-subtle" />
    </Button>
  )
  return (
    <Popover label="Time range" className="w-62" trigger={trigger}>
      {(close) => {
        const choose = (next: TimeValue) => {
          close()
          onChange(next)
        }
        return (
          <>
            <div className="grid grid-cols-2 gap-0.5 pb-1.5">
              {choices.map((since) => (
                <Choice key={since ?? 'all'} since={since} chosen={!custom && value.since === since} onChoose={() => choose({ since })} />
              ))}
            </div>
            {absolute && <Absolute value={value} onChange={choose} />}
          </>
        )
      }}
    </Popover>
  )
}
