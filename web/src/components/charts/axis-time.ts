//! Marks of the time axis.
import { axisTime } from '@/lib/format'

const DAY_MS = 86_400_000

function isMidnight(ms: number): boolean {
  const date = new Date(ms)
  return date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0
}

/** Labels of the marks; a midnight among hours shows its day. Marks whose label would be cut at the right edge have none. */
export function timeLabels(marks: readonly number[], step: number, from: number, to: number, width: number): string[] {
  const perMs = width / Math.max(1, to - from)
  return marks.map((mark) => {
    const text = axisTime(mark, step < DAY_MS && step >= 3_600_000 && isMidnight(mark) ? DAY_MS : step)
    const half = text.length * 3.1
    return (to - mark) * perMs + EDGE < half ? '' : text
  })
}

/** CSS pixels right of the plot that a label may use. */
export const EDGE = 14
