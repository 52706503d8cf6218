//! The list under the query bar, and what the grammar can do.
import { cx } from '@/lib/cx'
import { plain } from '@/lib/hostile'
import type { Suggestion } from '@/lib/query-tokens'

const HINTS = ['"a phrase"', 'start*', '~anywhere', 'key:value', 'status:>=500', '-not', 'a or b']

export interface CompletionsProps {
  id: string
  items: readonly Suggestion[]
  /** Marked one; -1: none. */
  active: number
  onChoose(item: Suggestion): void
  onMark(at: number): void
}

export function Completions({ id, items, active, onChoose, onMark }: CompletionsProps) {
  return (
    <div className="absolute inset-x-0 top-full z-30 mt-1.5 overflow-hidden rounded-lg border border-line-strong bg-surface shadow-(--shadow)">
      <ul id={id} role="listbox" aria-label="Completions" className="p-1">
        {items.map((item, i) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are the input's
          <li
            key={`${item.detail} ${item.insert}`}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === active}
            onMouseEnter={() => onMark(i)}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onChoose(item)}
            className={cx('flex h-8 items-center gap-3 rounded-md px-2.5', i === active && 'bg-accent-soft')}
          >
            <span className="min-w-0 truncate font-mono text-xs">{plain(item.insert, 120)}</span>
            <span className="nums ml-auto shrink-0 text-xs text-subtle">{plain(item.detail, 40)}</span>
          </li>
        ))}
      </ul>
      <p className="flex flex-wrap gap-x-3 gap-y-1 border-t border-line px-3.5 py-2 font-mono text-[11px] text-subtle" aria-hidden>
        {HINTS.map((hint) => (
          <span key={hint}>{hint}</span>
        ))}
      </p>
    </div>
  )
}
