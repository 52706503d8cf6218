//! What narrows and orders the list.
import { Search, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { LEVELS, type Level } from '@/api/types'
import { LEVEL_TEXT } from '@/components/LevelTag'
import { cx } from '@/lib/cx'
import { plain } from '@/lib/hostile'
import { ORDERS, type Order } from './order'

/** Typing is told after a pause, so that the address doesn't change with every letter. */
const PAUSE_MS = 200

export function FindTemplates({ value, onChange }: { value: string; onChange(value: string): void }) {
  const [typed, setTyped] = useState(value)
  const [told, setTold] = useState(value)
  const input = useRef<HTMLInputElement>(null)
  // The address may change by other hands: back, a link, a chip.
  if (value !== told) {
    setTold(value)
    setTyped(value)
  }
  useEffect(() => {
    if (typed === told) return
    const timer = setTimeout(() => {
      setTold(typed)
      onChange(typed)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, told, onChange])
  return (
    <div className="flex h-8 min-w-40 flex-1 items-center gap-2 rounded-md border border-line bg-surface px-2.5 has-focus-visible:outline-2 has-focus-visible:outline-accent sm:max-w-96">
      <Search aria-hidden className="size-3.5 shrink-0 text-subtle" />
      <input
        ref={input}
        type="search"
        aria-label="Find templates"
        placeholder="Find templates"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="min-w-0 flex-1 bg-transparent outline-none [&::-webkit-search-cancel-button]:hidden"
      />
      {typed !== '' && (
        <button
          type="button"
          aria-label="Clear"
          className="rounded text-muted hover:text-ink"
          onClick={() => {
            setTyped('')
            input.current?.focus()
          }}
        >
          <X aria-hidden className="size-3.5" />
        </button>
      )}
    </div>
  )
}

export function LevelToggles({ chosen, onChange }: { chosen: readonly Level[]; onChange(levels: Level[]): void }) {
  const toggled = (level: Level) => (chosen.includes(level) ? chosen.filter((one) => one !== level) : [...chosen, level])
  return (
    <fieldset className="flex h-8 shrink-0 items-center gap-0.5 rounded-md border border-line bg-surface px-1">
      <legend className="sr-only">Levels</legend>
      {LEVELS.toReversed().map((level) => (
        <button
          key={level}
          type="button"
          aria-pressed={chosen.includes(level)}
          onClick={() => onChange(toggled(level))}
          className={cx('rounded px-1.5 py-0.5 text-xs font-medium hover:bg-hover aria-pressed:bg-hover', LEVEL_TEXT[level], chosen.length > 0 && !chosen.includes(level) && 'opacity-70')}
        >
          {level}
        </button>
      ))}
    </fieldset>
  )
}

export function OrderSelect({ order, onChange }: { order: Order; onChange(order: Order): void }) {
  return (
    <select
      aria-label="Order"
      value={order}
      onChange={(event) => onChange(event.target.value as Order)}
      className="h-8 shrink-0 rounded-md border border-line bg-surface px-2 text-[13px] font-medium text-ink hover:border-line-strong"
    >
      {ORDERS.map((one) => (
        <option key={one.order} value={one.order}>
          {one.name}
        </option>
      ))}
    </select>
  )
}

/** A filter that came with the address; pressing it takes it away. */
export function Chip({ name, value, onRemove }: { name: string; value: string; onRemove(): void }) {
  return (
    <button
      type="button"
      onClick={onRemove}
      aria-label={`Remove the filter ${name} ${plain(value, 80)}`}
      className="inline-flex h-6 max-w-64 items-center gap-1 rounded-md border border-line bg-raised px-1.5 text-xs hover:bg-hover"
    >
      <span className="text-muted">{name}</span>
      <span className="truncate text-ink">{plain(value, 80)}</span>
      <X aria-hidden className="size-3 shrink-0 text-muted" />
    </button>
  )
}
