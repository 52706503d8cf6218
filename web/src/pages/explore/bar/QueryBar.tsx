//! Where a search is typed: a combobox whose list completes levels, sources, fields and their values.
import { Search, X } from 'lucide-react'
import { useId, useRef, useState, type KeyboardEvent, type Ref } from 'react'
import { flushSync } from 'react-dom'
import { Kbd } from '@/components/ui/kbd'
import { cx } from '@/lib/cx'
import { plain } from '@/lib/hostile'
import { parseLevels, type ExploreSearch } from '@/lib/search-params'
import type { Known, Suggestion } from '@/lib/query-tokens'
import { rememberQuery } from './recent-queries'
import { completed, useCompletion } from './use-completion'

export interface QueryBarProps {
  ref?: Ref<HTMLInputElement>
  search: ExploreSearch
  known: () => Known
  /** Where the server could not read the query. */
  errorId?: string
  onType(text: string): void
  onRemove(filter: 'levels' | 'source' | 'pattern'): void
}

interface Chip {
  filter: 'levels' | 'source' | 'pattern'
  text: string
}

function chipsOf({ levels, source, pattern }: ExploreSearch): Chip[] {
  const chips: Chip[] = []
  const shown = parseLevels(levels)
  if (shown.length > 0) chips.push({ filter: 'levels', text: `level: ${shown.join(', ')}` })
  if (source !== undefined) chips.push({ filter: 'source', text: `source: ${plain(source, 40)}` })
  if (pattern !== undefined) chips.push({ filter: 'pattern', text: `pattern: ${pattern.slice(0, 8)}…` })
  return chips
}

function ChipView({ text, onRemove }: { text: string; onRemove: () => void }) {
  return (
    <span className="inline-flex h-6 max-w-56 shrink-0 items-center gap-1 rounded bg-accent-soft pr-0.5 pl-2 text-xs">
      <span className="truncate">{text}</span>
      <button type="button" aria-label={`Remove ${text}`} onClick={onRemove} className="grid size-5 place-items-center rounded text-muted hover:bg-hover hover:text-ink">
        <X aria-hidden className="size-3" />
      </button>
    </span>
  )
}

const HINTS = ['"a phrase"', 'start*', '~anywhere', 'key:value', 'status:>=500', '-not', 'a or b']

function List({ id, items, active, onChoose, onMark }: { id: string; items: readonly Suggestion[]; active: number; onChoose: (item: Suggestion) => void; onMark: (at: number) => void }) {
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
            <span className="ml-auto shrink-0 text-xs text-subtle">{plain(item.detail, 40)}</span>
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

export function QueryBar({ ref, search, known, errorId, onType, onRemove }: QueryBarProps) {
  const id = useId()
  const own = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(search.q ?? '')
  const [q, setQ] = useState(search.q)
  if (q !== search.q) {
    setQ(search.q)
    setText(search.q ?? '')
  }
  const list = useCompletion(known, search)
  const chips = chipsOf(search)

  const submit = (typed: string) => {
    list.close()
    rememberQuery(typed)
    onType(typed)
  }
  const choose = (item: Suggestion) => {
    const input = own.current
    const next = completed(text, input?.selectionStart ?? text.length, item)
    // The caret is set before anything else is typed: later, it would jump between the letters.
    flushSync(() => setText(next.text))
    input?.setSelectionRange(next.caret, next.caret)
    list.show(next.text, next.caret)
  }
  const pressed = (event: KeyboardEvent<HTMLInputElement>) => {
    const { key } = event
    const caret = event.currentTarget.selectionStart ?? 0
    const marked = list.items[list.active]
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault()
      if (list.open) list.step(key === 'ArrowDown' ? 1 : -1)
      else list.show(text, caret)
    } else if ((key === 'Tab' || key === 'Enter') && list.open && marked) {
      event.preventDefault()
      choose(marked)
    } else if (key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault()
      submit(text)
    } else if (key === 'Escape') {
      event.preventDefault()
      if (list.open) list.close()
      else event.currentTarget.blur()
    } else if (key === 'Backspace' && text === '' && chips.length > 0) {
      onRemove(chips.at(-1)?.filter ?? 'levels')
    }
  }
  return (
    <search className="relative min-w-0 flex-1 basis-80 max-md:basis-full">
      <div
        className={cx(
          'flex min-h-8 min-w-0 items-center gap-1.5 rounded-md border bg-surface pr-1.5 pl-2.5 focus-within:border-accent',
          errorId === undefined ? 'border-line' : 'border-bad',
        )}
      >
        <Search aria-hidden className="size-4 shrink-0 text-subtle" />
        {chips.map(({ filter, text: said }) => (
          <ChipView key={filter} text={said} onRemove={() => onRemove(filter)} />
        ))}
        <input
          ref={(element) => {
            own.current = element
            if (typeof ref === 'function') ref(element)
            else if (ref) ref.current = element
          }}
          type="text"
          role="combobox"
          aria-label="Search lines"
          aria-expanded={list.open}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={list.active >= 0 ? `${id}-list-${list.active}` : undefined}
          aria-invalid={errorId !== undefined}
          aria-describedby={errorId}
          value={text}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          placeholder={chips.length > 0 ? 'and…' : 'Search: words, "a phrase", key:value, -not'}
          onChange={(event) => {
            setText(event.target.value)
            list.show(event.target.value, event.target.selectionStart ?? event.target.value.length)
          }}
          onClick={(event) => {
            if (text === '') list.show(text, event.currentTarget.selectionStart ?? 0)
          }}
          onBlur={list.close}
          onKeyDown={pressed}
          className="h-7.5 min-w-24 flex-1 bg-transparent font-mono text-xs outline-none"
        />
        {text === '' ? (
          <span aria-hidden className="max-md:hidden">
            <Kbd keys="/" />
          </span>
        ) : (
          <button
            type="button"
            aria-label="Clear the search"
            onClick={() => {
              setText('')
              submit('')
              own.current?.focus()
            }}
            className="grid size-6 shrink-0 place-items-center rounded text-muted hover:bg-hover hover:text-ink"
          >
            <X aria-hidden className="size-3.5" />
          </button>
        )}
      </div>
      {list.open && <List id={`${id}-list`} items={list.items} active={list.active} onChoose={choose} onMark={list.mark} />}
    </search>
  )
}
