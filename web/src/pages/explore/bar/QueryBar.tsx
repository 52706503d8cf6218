//! Where a search is typed: a combobox whose list completes levels, sources, fields and their values.
import { Search, X } from 'lucide-react'
import { useId, useImperativeHandle, useRef, useState, type KeyboardEvent, type Ref, type RefObject } from 'react'
import { flushSync } from 'react-dom'
import { Kbd } from '@/components/ui/kbd'
import { cx } from '@/lib/cx'
import type { Known, Suggestion } from '@/lib/query-tokens'
import type { ExploreSearch } from '@/lib/search-params'
import { chipsOf, ChipView, type Chip } from './Chips'
import { Completions } from './Completions'
import { rememberQuery } from './recent-queries'
import { completed, useCompletion } from './use-completion'

export interface QueryBarProps {
  ref?: Ref<HTMLInputElement>
  search: ExploreSearch
  known: () => Known
  /** Where the server could not read the query. */
  errorId?: string
  onType(text: string): void
  onRemove(filter: Chip['filter']): void
}

type BarProps = Omit<QueryBarProps, 'ref' | 'errorId'>

/** What stands in the bar, and what typing and the keys make of it. */
function useBar(input: RefObject<HTMLInputElement | null>, { search, known, onType, onRemove }: BarProps) {
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
    const next = completed(text, input.current?.selectionStart ?? text.length, item)
    // The caret is set before anything else is typed: later, it would jump between the letters.
    flushSync(() => setText(next.text))
    input.current?.setSelectionRange(next.caret, next.caret)
    list.show(next.text, next.caret)
  }
  const marked = list.items[list.active]
  const showAt = (box: HTMLInputElement) => list.show(box.value, box.selectionStart ?? box.value.length)
  /** What a key does in the bar; undefined where it does what it always does. */
  const keyed = (event: KeyboardEvent<HTMLInputElement>): (() => void) | undefined => {
    const { key, currentTarget: box } = event
    if (key === 'ArrowDown' || key === 'ArrowUp') return () => (list.open ? list.step(key === 'ArrowDown' ? 1 : -1) : showAt(box))
    if ((key === 'Tab' || key === 'Enter') && list.open && marked) return () => choose(marked)
    if (key === 'Enter' && !event.nativeEvent.isComposing) return () => submit(text)
    if (key === 'Escape') return () => (list.open ? list.close() : box.blur())
    const last = chips.at(-1)
    return key === 'Backspace' && text === '' && last ? () => onRemove(last.filter) : undefined
  }
  return {
    text,
    chips,
    list,
    choose,
    typed: (box: HTMLInputElement) => {
      setText(box.value)
      showAt(box)
    },
    clicked: (box: HTMLInputElement) => text === '' && showAt(box),
    pressed: (event: KeyboardEvent<HTMLInputElement>) => {
      const run = keyed(event)
      if (!run) return
      event.preventDefault()
      run()
    },
    clear: () => {
      setText('')
      submit('')
      input.current?.focus()
    },
  }
}

export function QueryBar({ ref, errorId, ...props }: QueryBarProps) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  useImperativeHandle(ref, () => input.current as HTMLInputElement)
  const { text, chips, list, choose, typed, clicked, pressed, clear } = useBar(input, props)
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
          <ChipView key={filter} text={said} onRemove={() => props.onRemove(filter)} />
        ))}
        <input
          ref={input}
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
          onChange={(event) => typed(event.target)}
          onClick={(event) => clicked(event.currentTarget)}
          onBlur={list.close}
          onKeyDown={pressed}
          className="h-7.5 min-w-24 flex-1 bg-transparent font-mono text-xs outline-none"
        />
        {text === '' ? <Hint /> : <Clear onClear={clear} />}
      </div>
      {list.open && <Completions id={`${id}-list`} items={list.items} active={list.active} onChoose={choose} onMark={list.mark} />}
    </search>
  )
}

function Hint() {
  return (
    <span aria-hidden className="max-md:hidden">
      <Kbd keys="/" />
    </span>
  )
}

function Clear({ onClear }: { onClear: () => void }) {
  return (
    <button type="button" aria-label="Clear the search" onClick={onClear} className="grid size-6 shrink-0 place-items-center rounded text-muted hover:bg-hover hover:text-ink">
      <X aria-hidden className="size-3.5" />
    </button>
  )
}
