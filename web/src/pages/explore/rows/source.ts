//! The rows of the table by place, newest first: the same for live rows and stored ones. A new object whenever what it gives has changed.
import type { TableRow } from '@/live/rows'

export interface RowSource {
  /** Differs whenever the rows do. */
  stamp: string
  count: number
  /** Undefined: not read yet. */
  get(index: number): TableRow | undefined
  /** Place of a row that is held; undefined where it isn't. */
  indexOf(seq: string): number | undefined
}

/** A source over rows in memory. */
export function listSource(rows: readonly TableRow[], stamp: string): RowSource {
  return {
    stamp,
    count: rows.length,
    get: (index) => rows[index],
    indexOf: (seq) => {
      const at = rows.findIndex((row) => row.seq === seq)
      return at < 0 ? undefined : at
    },
  }
}
