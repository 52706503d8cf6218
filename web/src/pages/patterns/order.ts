//! Which patterns are shown, and in which order.
import type { PatternSummary } from '@/api/types'
import { change } from '@/lib/format'
import type { PatternSort } from '@/lib/search-params'

/** A pattern with how many lines it had in the window before; null where that isn't known. */
export interface PatternLine extends PatternSummary {
  before: number | null
}

/** Patterns of the window before that have no lines any more: a heartbeat that stopped says as much as an error that came. */
export function goneLines(before: Iterable<PatternSummary>, now: readonly PatternSummary[]): PatternLine[] {
  const here = new Set(now.map(({ id }) => id))
  const gone = [...before].filter(({ id }) => !here.has(id))
  return gone.map((pattern) => ({ ...pattern, before: pattern.count, count: 0, share: 0, isNew: false, trend: now[0]?.trend?.map(() => 0) }))
}

export type Order = PatternSort | 'count'

export const ORDERS: readonly { order: Order; name: string }[] = [
  { order: 'count', name: 'Most lines' },
  { order: 'change', name: 'Changed most' },
  { order: 'first', name: 'Newest first' },
  { order: 'recent', name: 'Last seen first' },
  { order: 'errors', name: 'Most errors' },
]

/** How far a change stands out of chance: for counts, the difference over its spread. Ten more of ten weigh more than ten more of a million. */
export function surprise({ count, before }: Pick<PatternLine, 'count' | 'before'>): number {
  return before === null ? 0 : Math.abs(count - before) / Math.sqrt(count + before + 1)
}

const KEYS: Record<Order, (line: PatternLine) => number> = {
  count: ({ count }) => count,
  change: surprise,
  first: ({ firstSeen }) => Date.parse(firstSeen),
  recent: ({ lastSeen }) => Date.parse(lastSeen),
  errors: ({ levels }) => levels.error,
}

export function inOrder(lines: readonly PatternLine[], order: Order): PatternLine[] {
  const key = KEYS[order]
  return lines
    .map((line) => ({ line, key: key(line) }))
    .toSorted((a, b) => b.key - a.key || b.line.count - a.line.count || a.line.id.localeCompare(b.line.id))
    .map(({ line }) => line)
}

/** The same lines in the order that `ids` had; those that weren't there come last. */
export function keptOrder(lines: readonly PatternLine[], ids: readonly string[]): PatternLine[] {
  const places = new Map(ids.map((id, place) => [id, place]))
  return lines.toSorted((a, b) => (places.get(a.id) ?? ids.length) - (places.get(b.id) ?? ids.length))
}

/** Those whose template contains all the words, in any order, whatever their case. */
export function matching(lines: readonly PatternLine[], find: string | undefined): readonly PatternLine[] {
  const words = (find ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return lines
  return lines.filter(({ template, id }) => {
    const text = template.toLowerCase()
    return words.every((word) => text.includes(word) || id === word)
  })
}

/** `+12%`, `new`, `gone`, or `–` where there is nothing to compare with. */
export function changeText({ count, before, isNew }: Pick<PatternLine, 'count' | 'before' | 'isNew'>): string {
  if (before === null) return '–'
  if (count === 0 && before > 0) return 'gone'
  if (before === 0) return isNew || count === 0 ? 'new' : 'back'
  return change(count, before) ?? '–'
}
