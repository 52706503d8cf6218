//! Which part of a message stands for which variable of its template.
import { HOLE } from '@/components/charts/holes'

function collapsed(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** Leftmost match of each literal part, both ends held: time grows with the length of the text alone, whatever a log line holds. */
function matched(parts: readonly string[], text: string): string[] | null {
  const first = parts[0] ?? ''
  if (parts.length === 1) return text === first ? [] : null
  const last = parts[parts.length - 1] ?? ''
  const end = text.length - last.length
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return null
  const values: string[] = []
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return null
    values.push(text.slice(at, found))
    at = found + part.length
  }
  values.push(text.slice(at, end))
  return values
}

/** The values of a message, one for each `<*>`; null where it doesn't fit the template. Of several lines the first is what was mined. */
export function align(template: string, message: string): string[] | null {
  const parts = template.split(HOLE)
  const firstLine = message.split('\n', 1)[0] ?? ''
  const exact = matched(parts, firstLine) ?? matched(parts, message)
  if (exact) return exact
  const loose = collapsed(template).split(HOLE)
  return matched(loose, collapsed(firstLine)) ?? matched(loose, collapsed(message))
}

export interface HoleValues {
  /** Most frequent first. */
  values: { value: string; count: number }[]
  /** How many messages told a value. */
  told: number
}

/** What stood for each variable in these messages. */
export function holeValues(template: string, messages: readonly string[]): HoleValues[] {
  const holes = template.split(HOLE).length - 1
  const counts = Array.from({ length: holes }, () => new Map<string, number>())
  let told = 0
  for (const message of messages) {
    const values = align(template, message)
    if (!values) continue
    told++
    values.forEach((value, hole) => counts[hole]?.set(value, (counts[hole]?.get(value) ?? 0) + 1))
  }
  return counts.map((found) => ({
    told,
    values: [...found].map(([value, count]) => ({ value, count })).toSorted((a, b) => b.count - a.count || a.value.localeCompare(b.value)),
  }))
}

/** A stretch of a message: what its template says, or what varies. */
export interface Part {
  text: string
  varies: boolean
}

/** A message in its parts, in order; together they are the message. */
export function marked(template: string, message: string): Part[] {
  const values = align(template, message)
  if (!values || values.length === 0) return [{ text: message, varies: false }]
  const found: Part[] = []
  let at = 0
  for (const value of values) {
    // Where blanks were collapsed a value may not stand as it is; then the rest stays unmarked.
    const start = value === '' ? at : message.indexOf(value, at)
    if (start < 0) break
    if (start > at) found.push({ text: message.slice(at, start), varies: false })
    if (value !== '') found.push({ text: value, varies: true })
    at = start + value.length
  }
  if (at < message.length) found.push({ text: message.slice(at), varies: false })
  return found
}
