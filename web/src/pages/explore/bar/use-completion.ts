//! The list under the query bar: what it offers for the word under the caret, and which one is marked.
import { useState } from 'react'
import { suggestions, wordAt, type Known, type Suggestion } from '@/lib/query-tokens'
import { recentQueries } from './recent-queries'

export interface Completion {
  open: boolean
  items: readonly Suggestion[]
  /** Marked one; -1: none, Enter searches. */
  active: number
}

const CLOSED: Completion = { open: false, items: [], active: -1 }
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

export function useCompletion(known: () => Known) {
  const [state, setState] = useState(CLOSED)
  return {
    ...state,
    show: (text: string, caret: number) => {
      const items = offered(text, caret, known())
      setState({ open: items.length > 0, items, active: -1 })
    },
    close: () => setState(CLOSED),
    mark: (active: number) => setState((before) => ({ ...before, active })),
    step: (by: 1 | -1) =>
      setState((before) => {
        const places = before.items.length + 1
        return { ...before, active: ((before.active + 1 + by + places) % places) - 1 }
      }),
  }
}
