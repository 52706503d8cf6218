//! How numbers, times and sizes read. All dates go through `Intl`; formatters are made once, because making one is slow.

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const whole = new Intl.NumberFormat('en')
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const shortClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' })

/** `1,243`; up to 9,999 in full, then `12.4K`. */
export function count(n: number): string {
  return Math.abs(n) < 10_000 ? whole.format(n) : compact.format(n)
}

/** `1 event`, `12.4K events`. */
export function counted(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`
}

/** `1,243,091`: every digit. */
export function exact(n: number): string {
  return whole.format(n)
}

/** Events a second: more digits where there is little. */
export function rate(n: number): string {
  if (n === 0) return '0'
  if (n < 0.005) return '<0.01'
  if (n < 10) return n.toFixed(n < 1 ? 2 : 1)
  return count(Math.round(n))
}

/** `4.2%`; `0%` and `100%` without a fraction; `<0.1%` rather than a zero that isn't one. */
export function percent(share: number, digits = 1): string {
  if (!Number.isFinite(share) || share === 0) return '0%'
  if (share === 1) return '100%'
  const least = 10 ** -(digits + 2)
  if (share > 0 && share < least) return `<${(least * 100).toFixed(digits)}%`
  return `${(share * 100).toFixed(digits)}%`
}

/** Change against a count before: `+12%`, `-3%`, `×12`; null where there was nothing before. */
export function change(now: number, before: number): string | null {
  if (before === 0) return null
  const ratio = now / before
  if (ratio >= 10) return `×${Math.round(ratio)}`
  const points = (ratio - 1) * 100
  const digits = Math.abs(points) < 9.95 ? 1 : 0
  const text = points.toFixed(digits)
  if (Number(text) === 0) return '±0%'
  return `${points > 0 ? '+' : '−'}${text.replace('-', '')}%`
}

/** Local time to the millisecond, as rows show it: `14:02:11.482`. */
export function rowTime(ms: number): string {
  if (!Number.isFinite(ms)) return '—'
  const date = new Date(ms)
  return `${clock.format(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** As `rowTime`, with the day in front when it isn't today. */
export function rowDateTime(ms: number, now: number): string {
  const sameDay = new Date(ms).toDateString() === new Date(now).toDateString()
  return sameDay ? rowTime(ms) : `${day.format(ms)} ${rowTime(ms)}`
}

/** As `rowTime`, always with the day in front: `24 Nov 14:02:11.482`. */
export function datedRowTime(ms: number): string {
  return Number.isFinite(ms) ? `${day.format(ms)} ${rowTime(ms)}` : '—'
}

/** For axes: seconds, minutes or days, by how far apart the marks stand (in ms). */
export function axisTime(ms: number, step: number): string {
  if (step >= 86_400_000) return day.format(ms)
  return step >= 60_000 ? shortClock.format(ms) : clock.format(ms)
}

export function dateTime(ms: number): string {
  return Number.isFinite(ms) ? full.format(ms) : '—'
}

/** `3m ago`. */
export function ago(ms: number, now: number): string {
  const seconds = Math.round((ms - now) / 1000)
  const size = Math.abs(seconds)
  if (size < 5) return 'just now'
  if (size < 90) return relative.format(seconds, 'second')
  if (size < 3570) return relative.format(Math.round(seconds / 60), 'minute')
  if (size < 129_600) return relative.format(Math.round(seconds / 3600), 'hour')
  return relative.format(Math.round(seconds / 86_400), 'day')
}

/** As it follows "the last": `5 minutes`, `hour`, `2 days`. */
export function stretch(n: number): string {
  return minutes(n).replace(/^1 /, '')
}

/** `5 minutes`, `1 hour`, `2 days` for a number of minutes. */
export function minutes(n: number): string {
  const [size, unit] = n % 1440 === 0 ? [n / 1440, 'day'] : n % 60 === 0 ? [n / 60, 'hour'] : [n, 'minute']
  return `${size} ${unit}${size === 1 ? '' : 's'}`
}
