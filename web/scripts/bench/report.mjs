//! What was measured, beside what it may be.
import { cpus } from 'node:os'

const results = []

/** The machine and the binary that the figures are of. */
export function begin(binary) {
  console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}; ${binary}`)
}

export function heading(text) {
  console.log(`\n${text}`)
}

function digits(value) {
  if (Number.isInteger(value) && value >= 0 && value < 1000) return String(value)
  return value.toFixed(value < 10 ? 2 : 0)
}

/** A figure with the most that it may be. */
export function note(what, value, unit, most) {
  const fits = value <= most
  results.push(fits)
  console.log(`${fits ? 'ok  ' : 'OVER'} ${digits(value).padStart(8)} ${unit.padEnd(4)} at most ${String(most).padEnd(5)} ${what}`)
}

/** Whether all figures are within their goals. */
export function allFit() {
  return results.every(Boolean)
}
