//! Rows as the page holds them: one shape for what came live and what was stored, and the column batches that cross from the worker.
import { LEVELS, type Insight, type Level, type LogEvent, type Row } from '@/api/types'

/** One line as the table shows it. `kind: 'mark'` is a note of ours between the lines. */
export interface TableRow {
  kind: 'line' | 'mark'
  seq: string
  time: number
  received: number
  level: Level
  source: string
  message: string
  patternId: string
  /** `{context, levelText}` as JSON; empty when there is neither. Parsed only when the row is opened. */
  extra: string
}

/** What one flush of the worker carries: typed columns are moved, not copied. Oldest first. */
export interface RowBatch {
  length: number
  time: Float64Array
  received: Float64Array
  level: Uint8Array
  partition: Uint32Array
  offset: Float64Array
  source: string[]
  message: string[]
  pattern: string[]
  extra: string[]
  /** Insights that are new or changed since the last batch. */
  insights: [key: string, insight: Insight][]
}

export function insightKey(patternId: string, level: Level): string {
  return `${patternId}/${level}`
}

export function splitSeq(seq: string): { partition: number; offset: number } {
  const dash = seq.indexOf('-')
  return { partition: Number(seq.slice(0, dash)), offset: Number(seq.slice(dash + 1)) }
}

function extraOf(context: unknown, levelText: string | undefined): string {
  const hasContext = typeof context === 'object' && context !== null && Object.keys(context).length > 0
  if (!hasContext && !levelText) return ''
  return JSON.stringify({ ...(hasContext && { context }), ...(levelText && { levelText }) })
}

export function readExtra(extra: string): { context: Record<string, unknown>; levelText?: string } {
  if (extra === '') return { context: {} }
  const parsed = JSON.parse(extra) as { context?: Record<string, unknown>; levelText?: string }
  return { context: parsed.context ?? {}, levelText: parsed.levelText }
}

export function levelCode(level: Level): number {
  return Math.max(0, LEVELS.indexOf(level))
}

/** A row of the history in the shape of the table. */
export function storedRow(row: Row): TableRow {
  return {
    kind: 'line',
    seq: row.seq,
    time: Date.parse(row.timestamp),
    received: Date.parse(row.receivedAt),
    level: row.level,
    source: row.source,
    message: row.message,
    patternId: row.patternId,
    extra: extraOf(row.context, row.levelText),
  }
}

/** Turns events into one batch of columns. `known` remembers which insights were told already. */
export function toBatch(events: readonly LogEvent[], known: Map<string, string>): RowBatch {
  const n = events.length
  const batch: RowBatch = {
    length: n,
    time: new Float64Array(n),
    received: new Float64Array(n),
    level: new Uint8Array(n),
    partition: new Uint32Array(n),
    offset: new Float64Array(n),
    source: [],
    message: [],
    pattern: [],
    extra: [],
    insights: [],
  }
  events.forEach((event, i) => {
    const { partition, offset } = splitSeq(event.seq)
    batch.time[i] = Date.parse(event.timestamp)
    batch.received[i] = Date.parse(event.receivedAt)
    batch.level[i] = levelCode(event.level)
    batch.partition[i] = partition
    batch.offset[i] = offset
    batch.source.push(event.source)
    batch.message.push(event.message)
    batch.pattern.push(event.patternId)
    batch.extra.push(extraOf(event.context, event.levelText))
    const key = insightKey(event.patternId, event.level)
    const signature = `${event.insight.status}${event.insight.confidence}${event.insight.summary}`
    if (known.get(key) === signature) return
    if (known.size > 50_000) known.clear()
    known.set(key, signature)
    batch.insights.push([key, event.insight])
  })
  return batch
}
