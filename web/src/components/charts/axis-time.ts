//! Marks of the time axis.
import { axisTime } from '@/lib/format'

const SECOND_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS

/** Distances that marks may stand apart: uPlot's own list jumps from one minute to five. */
export const TIME_STEPS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 7, 14, 30, 60, 90, 180].map((n) => n * DAY_MS),
  // Clocks that are wrong by centuries exist, and their lines are kept.
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].map((n) => n * YEAR_MS),
]

function isMidnight(ms: number): boolean {
  const date = new Date(ms)
  return date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0
}

/** Labels of the marks; a midnight among hours shows its day. Marks whose label would be cut at the right edge have none. */
export function timeLabels(marks: readonly number[], step: number, from: number, to: number, width: number): string[] {
  const perMs = width / Math.max(1, to - from)
  return marks.map((mark) => {
    const text = step >= YEAR_MS ? String(new Date(mark).getFullYear()) : axisTime(mark, step < DAY_MS && step >= HOUR_MS && isMidnight(mark) ? DAY_MS : step)
    const half = text.length * 3.1
    return (to - mark) * perMs + EDGE < half ? '' : text
  })
}

/** CSS pixels right of the plot that a label may use. */
export const EDGE = 14
