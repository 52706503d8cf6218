//! The canvas of a chart. uPlot does scales, axes, crosshair and selection; bars and lines are drawn by `paint.ts`, all in one pass over one series
//! of uPlot's that holds the height of each bucket. So a change of series, colours or visibility is a redraw, never a rebuild.
import uPlot from 'uplot'
import { EDGE, TIME_STEPS, timeLabels } from './axis-time'
import { shown, tops } from './model'
import { paintBand, paintLine, paintStack, type Frame } from './paint'
import { Colours } from './theme'
import type { Model } from './types'
import { axisSteps, axisText, axisTop } from './units'

/** All charts of a page move one crosshair. */
const SYNC = 'whittle'
const AXIS_WIDTH = 46
const AXIS_HEIGHT = 24
/** A drag shorter than this is a click. */
const DRAG_PX = 6

export interface Hover {
  /** Number of the bucket. */
  index: number
  /** Where its middle lies, and how wide the plot's element is: CSS pixels. */
  x: number
  width: number
}

export interface PlotEvents {
  /** The crosshair stands on a bucket, or on none. */
  onHover(hover: Hover | null): void
  /** A stretch was dragged: whole buckets, ms. */
  onSelect?(from: number, to: number): void
  onReset?(): void
}

export class Plot {
  private readonly plot: uPlot
  private readonly centres: { current: Float64Array } = { current: new Float64Array() }
  private colours = new Colours('')
  private alive = true

  constructor(
    element: HTMLElement,
    private model: Model,
    size: { width: number; height: number },
    private events: PlotEvents,
  ) {
    this.plot = new uPlot(this.options(size), this.data(), element)
    // Labels drawn before the font arrived are in another one.
    void document.fonts?.ready.then(() => this.redraw())
  }

  setModel(model: Model): void {
    this.model = model
    this.plot.setData(this.data(), true)
  }

  setZoom({ onSelect, onReset }: Pick<PlotEvents, 'onSelect' | 'onReset'>): void {
    this.events = { ...this.events, onSelect, onReset }
    const { drag } = this.plot.cursor
    if (drag) drag.x = onSelect !== undefined
  }

  setSize(width: number, height: number): void {
    if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height })
  }

  /** Reads the colours anew when another theme is on. */
  setTheme(name: string): void {
    if (this.colours.theme === name) return
    this.colours = new Colours(name)
    this.redraw()
  }

  /** Puts the crosshair on a bucket, here and in all charts of the page; null takes it away. */
  point(index: number | null): void {
    const time = index === null ? undefined : this.centres.current[index]
    const left = time === undefined ? -10 : this.plot.valToPos(time, 'x')
    // The third argument tells the other charts; the types leave it out.
    const setCursor = this.plot.setCursor as (at: { left: number; top: number }, fire?: boolean, publish?: boolean) => void
    setCursor({ left, top: time === undefined ? -10 : 1 }, true, true)
  }

  /** Marks a stretch of buckets, both ends included; null takes the mark away. */
  mark(stretch: readonly [number, number] | null): void {
    const from = stretch ? this.model.times[Math.min(...stretch)] : undefined
    const to = stretch ? this.model.times[Math.max(...stretch)] : undefined
    const left = from === undefined ? 0 : this.plot.valToPos(from, 'x')
    const right = to === undefined ? 0 : this.plot.valToPos(to + this.model.stepMs, 'x')
    this.plot.setSelect({ left, top: 0, width: right - left, height: this.plot.over.clientHeight }, false)
  }

  destroy(): void {
    this.alive = false
    this.plot.destroy()
  }

  private redraw(): void {
    if (this.alive) this.plot.redraw(false, true)
  }

  private data(): uPlot.AlignedData {
    const { times, stepMs } = this.model
    const centres = Float64Array.from(times, (time) => time + stepMs / 2)
    this.centres.current = centres
    return [centres, tops(this.model)]
  }

  private range(): [number, number] {
    const { times, stepMs } = this.model
    const first = times[0]
    const last = times[times.length - 1]
    return first === undefined || last === undefined ? [0, 1] : [first, last + stepMs]
  }

  private options(size: { width: number; height: number }): uPlot.Options {
    return {
      ...size,
      ms: 1,
      padding: [8, EDGE, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, range: () => this.range() },
        y: { range: (_, __, max) => [0, axisTop(Math.max(max ?? 0, this.model.band?.high ?? 0), this.model.unit)] },
      },
      series: [{}, { points: { show: false }, paths: (plot) => this.paint(plot) }],
      axes: [this.timeAxis(), this.valueAxis()],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: this.events.onSelect !== undefined, y: false, setScale: false, dist: DRAG_PX },
        // Drags and clicks are one chart's own; the crosshair is everybody's.
        sync: { key: SYNC, setSeries: false, scales: ['x', null], filters: { pub: (type) => type === 'mousemove' } },
        bind: { dblclick: () => () => (this.events.onReset?.(), null) },
      },
      hooks: { setCursor: [(plot) => this.hovered(plot)], setSelect: [(plot) => this.selected(plot)] },
    }
  }

  private timeAxis(): uPlot.Axis {
    return {
      size: AXIS_HEIGHT,
      gap: 4,
      space: 72,
      incrs: TIME_STEPS,
      font: '11px Inter, system-ui, sans-serif',
      stroke: () => this.colours.get('subtle'),
      grid: { show: false },
      ticks: { show: true, size: 4, width: 1, stroke: () => this.colours.get('line-strong') },
      values: (plot, marks, _, __, step) => timeLabels(marks, step, ...this.range(), plot.width - AXIS_WIDTH - EDGE),
    }
  }

  private valueAxis(): uPlot.Axis {
    return {
      size: AXIS_WIDTH,
      gap: 6,
      space: 30,
      font: '11px Inter, system-ui, sans-serif',
      stroke: () => this.colours.get('subtle'),
      grid: { width: 1, dash: [3, 4], stroke: () => this.colours.get('grid') },
      ticks: { show: false },
      incrs: () => axisSteps(this.model.unit),
      values: (_, marks, __, ___, step) => marks.map((mark) => axisText(mark, step, this.model.unit)),
    }
  }

  private paint(plot: uPlot): null {
    const { ctx, bbox } = plot
    const frame: Frame = {
      ctx,
      ratio: uPlot.pxRatio,
      left: bbox.left,
      top: bbox.top,
      width: bbox.width,
      height: bbox.height,
      x: (time) => plot.valToPos(time, 'x', true),
      y: (value) => plot.valToPos(value, 'y', true),
    }
    const colour = (token: string) => this.colours.get(token)
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top - 2 * frame.ratio, bbox.width, bbox.height + 2 * frame.ratio)
    ctx.clip()
    this.paintSeries(frame, colour)
    ctx.restore()
    return null
  }

  private paintSeries(frame: Frame, colour: (token: string) => string): void {
    const { kind, times, stepMs, band } = this.model
    const series = shown(this.model)
    if (kind === 'stack') return paintStack(frame, times, stepMs, series, colour)
    if (band) paintBand(frame, band.low, band.high, colour('subtle'))
    for (const { values, token } of series) {
      paintLine(frame, this.centres.current, values, colour(token), this.model.series.length === 1)
    }
  }

  private hovered(plot: uPlot): void {
    const { idx, left = -1 } = plot.cursor
    const time = idx === null || idx === undefined ? undefined : this.centres.current[idx]
    if (time === undefined || left < 0 || left > plot.over.clientWidth) this.events.onHover(null)
    else this.events.onHover({ index: idx ?? 0, x: plot.valToPos(time, 'x') + AXIS_WIDTH, width: plot.width })
  }

  private selected(plot: uPlot): void {
    const { left, width } = plot.select
    if (width < DRAG_PX) return
    const { times, stepMs } = this.model
    const first = times[0] ?? 0
    const whole = (px: number, round: (n: number) => number) => first + round((plot.posToVal(px, 'x') - first) / stepMs) * stepMs
    const from = Math.max(first, whole(left, Math.floor))
    const to = Math.min(this.range()[1], whole(left + width, Math.ceil))
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    if (to > from) this.events.onSelect?.(from, to)
  }
}
