//! Which rows of a long list are in sight.

export interface Sight {
  /** First and past-the-last row to render. */
  start: number
  end: number
}

/** Rows that are seen, and some on both sides, so that a fast scroll and the Tab key find the next one there. */
export function inSight(scrollTop: number, height: number, row: number, count: number, beside = 8): Sight {
  const start = Math.max(0, Math.min(Math.floor(scrollTop / row) - beside, count - 1))
  const end = Math.min(count, Math.ceil((scrollTop + height) / row) + beside)
  return { start: Math.max(0, start), end: Math.max(end, 0) }
}
