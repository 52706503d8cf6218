//! The list under the query bar: what it offers for the word under the caret, and which one is marked.
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { facetsQuery } from '@/api/queries'
import { fieldOf, suggestions, wordAt, type Known, type Suggestion } from '@/lib/query-tokens'
import type { Filters } from '@/lib/search-params'
import { recentQueries } from './recent-queries'

const RECENT = 'searched before'

export function offered(text: string, caret: number, known: Known): Suggestion[] {
  const words = suggestions(wordAt(text, caret).word, known)
  if (text.trim() !== '') return words
  const before = recentQueries.get().slice(0, 4)
  return [...before.map((insert) => ({ insert, detail: RECENT })), ...words]
}

/** The text with a suggestion in place of the word under the caret, and where the caret goes. */
export function completed(text: string, caret: number, { insert, detail }: Suggestion): { text: string; caret: number } {
  if (detail === RECENT) return { text: insert, caret: insert.length }
  const { start, end } = wordAt(text, caret)
  const after = text.slice(end)
  const space = insert.endsWith(':') || after.startsWith(' ') ? '' : ' '
  return { text: text.slice(0, start) + insert + space + after, caret: start + insert.length + (insert.endsWith(':') ? 0 : 1) }
}

interface Typing {
  text: string
  caret: number
  /** What was known when it was typed: the list doesn't change while rows stream by. */
  known: Known
}

/** Values of a field are looked for where the view looks, or in the last hour: each line must be read for them. */
const USUAL_MINUTES = 60
const MOST_VALUES = 50

function useAsked(field: string | null, { since, from, to, source }: Filters): Known['asked'] {
  const range = from === undefined ? { since: since ?? USUAL_MINUTES } : { from, to }
  const { data } = useQuery({ ...facetsQuery({ ...range, source }, field ?? '', MOST_VALUES), enabled: field !== null, staleTime: 30_000 })
  const values = field === null ? undefined : data?.fields[field]
  return useMemo(() => (field === null || values === undefined ? undefined : { field, values }), [field, values])
}

export function useCompletion(known: () => Known, filters: Filters) {
  const [typing, setTyping] = useState<Typing | null>(null)
  /** Marked one; -1: none, Enter searches. */
  const [active, setActive] = useState(-1)
  const asked = useAsked(typing && fieldOf(wordAt(typing.text, typing.caret).word), filters)
  const items = useMemo(() => (typing ? offered(typing.text, typing.caret, { ...typing.known, asked }) : []), [typing, asked])
  return {
    items,
    open: items.length > 0,
    active,
    show: (text: string, caret: number) => {
      setTyping({ text, caret, known: known() })
      setActive(-1)
    },
    close: () => setTyping(null),
    mark: setActive,
    step: (by: 1 | -1) => {
      const places = items.length + 1
      setActive((before) => ((before + 1 + by + places) % places) - 1)
    },
  }
}
