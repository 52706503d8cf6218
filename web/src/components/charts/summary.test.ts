// @vitest-environment node
import { expect, it } from 'vitest'
import { summaryOf } from './summary'
import type { Model } from './types'

const start = new Date(2026, 2, 4, 14, 0, 0).getTime()
const base: Model = {
  kind: 'stack',
  unit: 'count',
  times: [start, start + 60_000],
  stepMs: 60_000,
  hidden: new Set(),
  series: [
    { key: 'info', label: 'info', token: 'x', values: [30, 60] },
    { key: 'error', label: 'error', token: 'x', values: [0, 10] },
  ],
}

it('tells range, extremes and shares', () => {
  const text = summaryOf(base, 'Events')
  expect(text).toMatch(/^Events, 4 Mar 2026, 14:00:00 to 4 Mar 2026, 14:02:00\./)
  expect(text).toContain('Highest 70 at 4 Mar 2026, 14:01:00, lowest 30 at 4 Mar 2026, 14:00:00.')
  expect(text).toContain('info 90.0%, error 10.0%.')
})

it('tells what is usual, and no shares of shares', () => {
  const text = summaryOf({ ...base, unit: 'percent', band: { low: 0.01, high: 0.02, label: 'Usual: 1.0% – 2.0%' } }, 'Error rate')
  expect(text).toContain('Usual: 1.0% – 2.0%.')
  expect(text).not.toContain('info')
})

it('says so when there is nothing', () => {
  expect(summaryOf({ ...base, times: [] }, 'Events')).toBe('Events: no data.')
  expect(summaryOf({ ...base, series: [{ key: 'a', label: 'a', token: 'x', values: [5, 5] }] }, 'Events')).toContain('Steady at 5.')
})
