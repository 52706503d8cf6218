//! How the values of a chart read, and how fine its axis may be.
import { count, exact, percent, rate } from '@/lib/format'
import type { Unit } from './types'

/** For tooltips, legends and tables. */
export function valueText(value: number | null, unit: Unit): string {
  if (value === null || !Number.isFinite(value)) return '–'
  if (unit === 'percent') return percent(value)
  return unit === 'rate' ? rate(value) : exact(value)
}

/** As `valueText`, short enough for a legend that stays within its line. */
export function shortText(value: number | null, unit: Unit): string {
  return unit === 'count' && value !== null && Number.isFinite(value) ? count(value) : valueText(value, unit)
}

/** For the marks of the value axis, which stand `step` apart. */
export function axisText(value: number, step: number, unit: Unit): string {
  if (unit === 'percent') return `${(value * 100).toFixed(step < 0.001 ? 2 : step < 0.01 ? 1 : 0)}%`
  if (value !== 0 && step < 1) return value.toFixed(step < 0.1 ? 2 : 1)
  return count(value)
}

const NICE = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]

/** Top of the value axis: the next round number, so that the axis rests while values wander by a little. */
export function axisTop(max: number, unit: Unit): number {
  if (!(max > 0)) return unit === 'percent' ? 0.01 : unit === 'count' ? 4 : 1
  const room = max * 1.04
  const magnitude = 10 ** Math.floor(Math.log10(room))
  const factor = NICE.find((nice) => nice * magnitude >= room) ?? 10
  const top = factor * magnitude
  if (unit === 'percent') return Math.min(1, top)
  return unit === 'count' ? Math.max(4, top) : top
}

const DECIMALS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
const WHOLES = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat()

/** Steps that the marks of the value axis may stand apart: half an event does not exist. */
export function axisSteps(unit: Unit): number[] {
  return unit === 'count' ? WHOLES : [...DECIMALS, ...WHOLES]
}
