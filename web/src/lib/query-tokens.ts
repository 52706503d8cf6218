//! What is typed into the query bar: `level:`, `source:` and `pattern:` become filters of their own, the rest is `q`.
//! The server's grammar is the judge; here stands only what the page itself must read and write of it.
import { LEVELS } from '@/api/types'
import { counted } from './format'
import { formatLevels, parseLevels, type Filters } from './search-params'

const QUOTED = String.raw`"(?:\\.|[^"\\])*"`
const TOKEN = new RegExp(String.raw`(?<!\S)(level|source|pattern):(${QUOTED}|[^\s"()]+)(?!\S)\s*`, 'g')
const ALTERNATIVES = new RegExp(String.raw`${QUOTED}|(?<!\S)(?:or|OR)(?!\S)|[()]`, 'g')

export interface TypedQuery {
  q?: string
  levels?: string
  source?: string
  pattern?: string
}

/** A value as the grammar takes it: in quotes where it holds more than plain characters. */
export function quoted(value: string): string {
  return /^[\p{L}\p{N}_./@-]+$/u.test(value) ? value : `"${value.replace(/["\\]/g, String.raw`\$&`)}"`
}

function unquoted(value: string): string {
  return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1).replace(/\\(["\\])/g, '$1') : value
}

/** Brackets and `or` tie conditions together: none may then be taken out. */
function tied(text: string): boolean {
  return [...text.matchAll(ALTERNATIVES)].some(([found]) => !found.startsWith('"'))
}

/** Moves what the filters can say out of the text. What they can't (two sources, a prefix, an unknown level) stays in `q` for the server. */
export function typedQuery(text: string, before: Pick<Filters, 'levels' | 'source' | 'pattern'>): TypedQuery {
  const result: TypedQuery = { levels: before.levels, source: before.source, pattern: before.pattern }
  const levels = new Set<string>()
  let source: string | undefined
  const take = (whole: string, key: string, raw: string): string => {
    const value = unquoted(raw)
    if (key === 'level') {
      const names = value.toLowerCase().split(',')
      // Two of them side by side ask for lines of both levels: there are none, and that is for the server to say.
      if (levels.size > 0 || !names.every((name) => (LEVELS as readonly string[]).includes(name))) return whole
      for (const name of names) levels.add(name)
      return ''
    }
    if (key === 'source') {
      if ((source !== undefined && source !== value) || /[*<>=]/.test(raw.replace(/^".*"$/, ''))) return whole
      source = value
      return ''
    }
    if (!/^[0-9a-f]{16}$/.test(value)) return whole
    result.pattern = value
    return ''
  }
  const rest = tied(text) ? text : text.replace(TOKEN, take)
  if (levels.size > 0) result.levels = formatLevels(parseLevels([...levels].join(',')))
  if (source !== undefined) result.source = source
  const q = rest.trim()
  result.q = q === '' ? undefined : q
  return result
}

/** `key:value`, or `-key:value` to leave it out. */
export function condition(key: string, value: string, exclude = false): string {
  return `${exclude ? '-' : ''}${/^[\p{L}\p{N}_.-]+$/u.test(key) ? key : quoted(key)}:${quoted(value)}`
}

/** Is there an `or` outside of brackets? What is added behind would belong to its last part alone. */
function looseOr(text: string): boolean {
  let depth = 0
  for (const [found] of text.matchAll(ALTERNATIVES)) {
    if (found === '(') depth++
    else if (found === ')') depth--
    else if (depth === 0 && !found.startsWith('"')) return true
  }
  return false
}

/** Adds a condition to a query that must hold besides all of it; one that stands there already is not added twice. */
export function withCondition(q: string | undefined, added: string): string {
  if (q === undefined || q.trim() === '') return added
  if (q === added || q.startsWith(`${added} `) || q.endsWith(` ${added}`) || q.includes(` ${added} `)) return q
  return looseOr(q) ? `(${q}) ${added}` : `${q} ${added}`
}

export interface Suggestion {
  /** What is put in place of the word under the caret. */
  insert: string
  detail: string
}

/** The word that the caret stands in: completion replaces it. */
export function wordAt(text: string, caret: number): { start: number; end: number; word: string } {
  const start = text.slice(0, caret).search(/\S*$/)
  const tail = text.slice(caret).search(/\s|$/)
  const end = caret + (tail < 0 ? 0 : tail)
  return { start, end, word: text.slice(start, end) }
}

export interface Known {
  sources: readonly { value: string; count: number }[]
  /** Fields of the context, by path, with values that were seen. */
  fields?: ReadonlyMap<string, readonly string[]>
  /** The most frequent values of the field whose name is typed, where the history has told them. */
  asked?: { field: string; values: readonly { value: string; count: number }[] }
}

const MOST = 8

/** The field of the context that a word asks for, when its name is there in full: `status` for `-status:5`. */
export function fieldOf(word: string): string | null {
  const field = /^-?([\p{L}\p{N}_-]+):/u.exec(word)?.[1]
  return field === undefined || ['level', 'source', 'pattern'].includes(field) ? null : field
}

/** Values of a field that hold what is typed of them; told ones with their counts, else those that rows were seen to have. */
function valueSuggestions(path: string, part: string, seen: readonly string[], { asked }: Pick<Known, 'asked'>): Suggestion[] {
  const told = asked?.field === path && asked.values.length > 0 ? asked.values : seen.map((value) => ({ value, count: undefined }))
  return told
    .filter(({ value }) => value.toLowerCase().includes(part.replaceAll('"', '')))
    .map(({ value, count }) => ({ insert: condition(path, value), detail: count === undefined ? path : counted(count, 'line') }))
}

function fieldSuggestions(lower: string, known: Known): Suggestion[] {
  const fields = new Map(known.fields)
  // A field that none of the rows in sight has, typed by name.
  if (known.asked && !fields.has(known.asked.field)) fields.set(known.asked.field, [])
  const found: Suggestion[] = []
  for (const [path, seen] of fields) {
    const key = path.toLowerCase()
    if (lower.startsWith(`${key}:`)) found.push(...valueSuggestions(path, lower.slice(key.length + 1), seen, known))
    else if (key.startsWith(lower)) found.push({ insert: `${path}:`, detail: 'field' })
  }
  return found
}

/** Completions for the word under the caret: levels, sources, fields and their values. A `-` in front stays. */
export function suggestions(typed: string, known: Known): Suggestion[] {
  const minus = typed.startsWith('-') ? '-' : ''
  const word = typed.slice(minus.length)
  const lower = word.toLowerCase()
  const levels = LEVELS.map((level) => ({ insert: `level:${level}`, detail: 'level' }))
  const values = known.sources.map(({ value }) => ({ insert: condition('source', value), detail: 'source' }))
  const signed = (list: Suggestion[]) => list.map(({ insert, detail }) => ({ insert: minus + insert, detail }))
  if (lower === '') return signed([...levels.toReversed(), ...values.slice(0, MOST - levels.length)])
  const all = [...levels, ...values]
  const starts = all.filter(({ insert }) => insert.toLowerCase().startsWith(lower))
  const contains = all.filter(({ insert }) => {
    const value = insert.toLowerCase()
    return !value.startsWith(lower) && value.slice(value.indexOf(':') + 1).includes(lower)
  })
  const found = [...starts, ...fieldSuggestions(lower, known), ...contains].filter(({ insert }) => insert !== word)
  return signed(found.slice(0, MOST))
}

/** What the gateway says of a query that it can't read: its messages end with the place, which the history tells apart. */
export function gatewayRefusal(text: string): { message: string; at?: number } {
  const found = / \(at character (\d+)\)$/.exec(text)
  return found ? { message: text.slice(0, found.index), at: Number(found[1]) } : { message: text }
}
