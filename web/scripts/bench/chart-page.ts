//! The page that `chart.mjs` measures: one stacked chart, moved on by a bucket again and again.
import { Plot } from '../../src/components/charts/plot'
import type { Model } from '../../src/components/charts/types'

const BUCKETS = 300
const TOKENS = ['debug-fill', 'info-fill', 'warn-fill', 'error-fill', 'c0']

function model(step: number): Model {
  const times = Array.from({ length: BUCKETS }, (_, i) => 1_790_000_000_000 + (step + i) * 1000)
  const series = TOKENS.map((token, s) => ({ key: token, label: token, token, values: Array.from({ length: BUCKETS }, (_, i) => 40 + 30 * Math.sin((step + i) / 9 + s)) }))
  return { kind: 'stack', unit: 'count', times, stepMs: 1000, series, hidden: new Set() }
}

const element = document.getElementById('plot')
if (!element) throw new Error('the page has no place for the plot')
const plot = new Plot(element, model(0), { width: 900, height: 180 }, { onHover: () => undefined })
plot.setTheme('dark')

/** Moves the chart on so many times, once a frame. */
async function updates(times: number): Promise<void> {
  for (let step = 1; step <= times; step++) {
    plot.setModel(model(step))
    await new Promise((drawn) => requestAnimationFrame(drawn))
  }
}

Object.assign(globalThis, { updates })
