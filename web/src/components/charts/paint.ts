//! Draws bars, lines and bands on a canvas. Plain rectangles and one path a line: a path builder for bars costs several times the CPU.
import type { NamedSeries } from './types'

/** Canvas pixels of the plot, and where values and times lie in it. */
export interface Frame {
  ctx: CanvasRenderingContext2D
  /** Canvas pixels for one CSS pixel. */
  ratio: number
  left: number
  top: number
  width: number
  height: number
  x(time: number): number
  y(value: number): number
}

/** Left and right edge of each bucket in whole canvas pixels; a gap between all bars or, where they are narrow, between none. */
export function barEdges(times: ArrayLike<number>, stepMs: number, x: (time: number) => number, ratio: number): Int32Array {
  const edges = new Int32Array(times.length * 2)
  const gap = x(stepMs) - x(0) >= 6 * ratio ? Math.round(ratio) : 0
  for (let i = 0; i < times.length; i++) {
    const time = times[i] ?? 0
    const left = Math.round(x(time))
    const right = Math.round(x(time + stepMs))
    edges[i * 2] = left
    edges[i * 2 + 1] = Math.max(left + 1, right - gap)
  }
  return edges
}

/** Stacked bars, first series lowest. What is there is seen: a single error on a busy day still gets a pixel. */
export function paintStack(frame: Frame, times: ArrayLike<number>, stepMs: number, series: readonly NamedSeries[], colour: (token: string) => string): void {
  const { ctx, ratio } = frame
  const edges = barEdges(times, stepMs, frame.x, ratio)
  const base = Math.round(frame.y(0))
  const scale = frame.y(0) - frame.y(1)
  const least = Math.max(1, Math.round(ratio))
  const reached = new Int32Array(times.length).fill(base)
  const sums = new Float64Array(times.length)
  for (const { values, token } of series) {
    ctx.fillStyle = colour(token)
    for (let i = 0; i < times.length; i++) {
      const value = values[i] ?? 0
      if (!(value > 0)) continue
      const sum = (sums[i] ?? 0) + value
      sums[i] = sum
      const bottom = reached[i] ?? base
      const top = Math.min(bottom - least, Math.round(frame.y(0) - sum * scale))
      reached[i] = top
      const left = edges[i * 2] ?? 0
      ctx.fillRect(left, top, (edges[i * 2 + 1] ?? left) - left, bottom - top)
    }
  }
}

/** One line; it breaks where values are missing, and a value alone between two gaps is a dot. */
export function paintLine(frame: Frame, centres: ArrayLike<number>, values: ArrayLike<number | null>, colour: string, fill: boolean): void {
  const { ctx, ratio } = frame
  const line = new Path2D()
  const area = fill ? new Path2D() : null
  let start = -1
  const known = (i: number) => i >= 0 && i < centres.length && values[i] !== null && values[i] !== undefined
  for (let i = 0; i <= centres.length; i++) {
    if (known(i)) {
      const x = frame.x(centres[i] ?? 0)
      const y = frame.y(values[i] ?? 0)
      if (start < 0) {
        start = i
        line.moveTo(x, y)
        area?.moveTo(x, frame.y(0))
        if (!known(i + 1)) line.arc(x, y, 1.5 * ratio, 0, Math.PI * 2)
      } else {
        line.lineTo(x, y)
      }
      area?.lineTo(x, y)
    } else if (start >= 0) {
      area?.lineTo(frame.x(centres[i - 1] ?? 0), frame.y(0))
      start = -1
    }
  }
  if (area) {
    const gradient = ctx.createLinearGradient(0, frame.top, 0, frame.top + frame.height)
    gradient.addColorStop(0, withAlpha(colour, 0.32))
    gradient.addColorStop(1, withAlpha(colour, 0.02))
    ctx.fillStyle = gradient
    ctx.fill(area)
  }
  ctx.strokeStyle = colour
  ctx.lineWidth = 1.5 * ratio
  ctx.lineJoin = 'round'
  ctx.setLineDash([])
  ctx.stroke(line)
}

/** The usual stretch: a wash with dashed borders. */
export function paintBand(frame: Frame, low: number, high: number, colour: string): void {
  const { ctx, ratio } = frame
  const top = Math.round(frame.y(high))
  const bottom = Math.round(frame.y(low))
  ctx.fillStyle = withAlpha(colour, 0.14)
  ctx.fillRect(frame.left, top, frame.width, Math.max(bottom - top, Math.round(ratio)))
  ctx.strokeStyle = withAlpha(colour, 0.55)
  ctx.lineWidth = ratio
  ctx.setLineDash([3 * ratio, 3 * ratio])
  ctx.beginPath()
  for (const y of [top, bottom]) {
    ctx.moveTo(frame.left, y)
    ctx.lineTo(frame.left + frame.width, y)
  }
  ctx.stroke()
  ctx.setLineDash([])
}

/** A colour of the style sheet (`#rrggbb`, or `#rgb` once minified) made see-through. */
export function withAlpha(colour: string, alpha: number): string {
  const long = /^#[0-9a-f]{3}$/i.test(colour) ? colour.replace(/[0-9a-f]/gi, '$&$&') : colour
  if (!/^#[0-9a-f]{6}$/i.test(long)) return colour
  return `${long}${Math.round(alpha * 255).toString(16).padStart(2, '0')}`
}
