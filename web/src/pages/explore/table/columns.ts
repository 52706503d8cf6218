//! The columns of the table: a few of every line, and any field of its context.
import type { TableRow } from '@/live/rows'
import { readExtra } from '@/live/rows'

export interface Column {
  /** As in the URL: a name of ours, or `context.` and the path of a field. */
  key: string
  title: string
  /** Track of the grid. */
  width: string
}

const OWN: readonly Column[] = [
  { key: 'time', title: 'Time', width: '96px' },
  { key: 'received', title: 'Received', width: '96px' },
  { key: 'level', title: 'Level', width: '48px' },
  { key: 'source', title: 'Source', width: 'minmax(72px, 120px)' },
  { key: 'pattern', title: 'Pattern', width: '136px' },
]
const DATED_WIDTH = '142px'
const FIELD = 'context.'

export const USUAL = 'time,level,source'
export const OWN_COLUMNS: readonly { key: string; title: string }[] = OWN

export function fieldColumn(path: string): string {
  return FIELD + path
}

/** Path of the field that a column shows; null for our own columns. */
export function fieldPath(key: string): string | null {
  return key.startsWith(FIELD) ? key.slice(FIELD.length) : null
}

/** Columns of the URL's list; names that don't exist are left out. `dated`: times are shown with their day. */
export function columnsOf(cols: string | undefined, dated: boolean): Column[] {
  const found: Column[] = []
  for (const key of new Set((cols ?? USUAL).split(','))) {
    const path = fieldPath(key)
    const own = OWN.find((column) => column.key === key)
    if (own) found.push(dated && (key === 'time' || key === 'received') ? { ...own, width: DATED_WIDTH } : own)
    else if (path) found.push({ key, title: path, width: 'minmax(64px, 140px)' })
  }
  return found
}

function rank(key: string): number {
  const own = OWN.findIndex((column) => column.key === key)
  return own < 0 ? OWN.length : own
}

/** Adds or removes a column; in the order of our own, then fields. Undefined where it is the usual choice. */
export function toggled(cols: string | undefined, key: string): string | undefined {
  const now = (cols ?? USUAL).split(',')
  const next = now.includes(key) ? now.filter((one) => one !== key) : [...now, key]
  const list = next.toSorted((a, b) => rank(a) - rank(b)).join(',')
  // An empty list can't stand in the URL: time stays.
  return list === USUAL ? undefined : list || 'time'
}

/** A field of the context by its path; text of what is there, objects as JSON; empty where it isn't. */
export function fieldValue(context: Record<string, unknown>, path: string): string {
  if (path in context) return valueText(context[path])
  let at: unknown = context
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !(step in at)) return ''
    at = (at as Record<string, unknown>)[step]
  }
  return valueText(at)
}

export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

/** All fields of a context by path, in their order; objects are opened, lists are not. */
export function flatFields(context: Record<string, unknown>, prefix = '', depth = 0): { path: string; value: string }[] {
  return Object.entries(context).flatMap(([key, value]) => {
    const path = prefix + key
    const open = typeof value === 'object' && value !== null && !Array.isArray(value) && depth < 6 && Object.keys(value).length > 0
    return open ? flatFields(value as Record<string, unknown>, `${path}.`, depth + 1) : [{ path, value: valueText(value) }]
  })
}

const SEEN_VALUES = 6

/** Fields that some rows have, with a few of their values: what completion and the column picker offer. */
export function seenFields(rows: Iterable<TableRow>, most = 60): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const row of rows) {
    for (const { path, value } of flatFields(readExtra(row.extra).context)) {
      const values = found.get(path) ?? []
      if (values.length === 0 && found.size >= most) continue
      if (values.length < SEEN_VALUES && value.length <= 60 && !values.includes(value)) values.push(value)
      found.set(path, values)
    }
  }
  return found
}
