//! What is typed into the query bar: `level:`, `source:` and `pattern:` become filters of their own, the rest is `q`.
import { LEVELS } from '@/api/types'
import { formatLevels, parseLevels, type Filters } from './search-params'

const TOKEN = /(?<![^\s(])(level|source|pattern):("[^"]*"|\S+)/g

export interface TypedQuery {
  q?: string
  levels?: string
  source?: string
  pattern?: string
}

function unquote(value: string): string {
  return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value
}

/** Moves what the filters can say out of the text. What they can't (two sources, an unknown level) stays in `q` for the server to judge. */
export function typedQuery(text: string, before: Pick<Filters, 'levels' | 'source' | 'pattern'>): TypedQuery {
  const result: TypedQuery = { levels: before.levels, source: before.source, pattern: before.pattern }
  const levels = new Set<string>()
  let source: string | undefined
  const rest = text.replace(TOKEN, (whole: string, key: string, raw: string) => {
    const value = unquote(raw)
    if (key === 'level') {
      const names = value.toLowerCase().split(',')
      if (!names.every((name) => (LEVELS as readonly string[]).includes(name))) return whole
      for (const name of names) levels.add(name)
      return ''
    }
    if (key === 'source') {
      if (source !== undefined && source !== value) return whole
      source = value
      return ''
    }
    if (!/^[0-9a-f]{16}$/.test(value)) return whole
    result.pattern = value
    return ''
  })
  if (levels.size > 0) result.levels = formatLevels(parseLevels([...levels].join(',')))
  if (source !== undefined) result.source = source
  const q = rest.replace(/\s+/g, ' ').trim()
  result.q = q === '' ? undefined : q
  return result
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

function quoted(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value
}

/** Completions for the word under the caret: keys, levels, known sources, earlier queries. */
export function suggestions(word: string, sources: readonly { value: string; count: number }[]): Suggestion[] {
  const lower = word.toLowerCase()
  const levels = LEVELS.map((level) => ({ insert: `level:${level}`, detail: 'level' }))
  const values = sources.map(({ value }) => ({ insert: `source:${quoted(value)}`, detail: 'source' }))
  if (lower === '') return [...levels, ...values.slice(0, 4)]
  const all = [...levels, ...values]
  const starts = all.filter(({ insert }) => insert.toLowerCase().startsWith(lower))
  const contains = all.filter(({ insert }) => {
    const value = insert.toLowerCase()
    return !value.startsWith(lower) && value.slice(value.indexOf(':') + 1).includes(lower)
  })
  return [...starts, ...contains].filter(({ insert }) => insert !== word).slice(0, 8)
}
