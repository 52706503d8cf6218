// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { errorRates, OTHER, Seconds, topSeries, usualBand } from './series'

const second = (at: number, count: number) => ({ second: at, counts: [{ source: 's', level: 'info' as const, count }], dropped: 0 })

describe('seconds', () => {
  it('give a rate over those that have been told, however few', () => {
    const seconds = new Seconds()
    expect(seconds.rate(3)).toBeNull()
    seconds.add(second(10, 20))
    expect(seconds.rate(3)).toBe(20)
    for (const at of [11, 12, 13]) seconds.add(second(at, 30))
    expect(seconds.rate(3)).toBe(30)
  })

  it('are held up to a limit, the newest', () => {
    const seconds = new Seconds(3)
    for (const at of [1, 2, 3, 4, 5]) seconds.add(second(at, at))
    expect(seconds.after(0).map(([at]) => at)).toEqual([3, 4, 5])
    expect(seconds.last).toBe(5)
  })
})

describe('the usual band', () => {
  it('is not widened by an incident in the window before', () => {
    const quiet = Array.from({ length: 90 }, (_, i) => 0.04 + (i % 3) * 0.01)
    const incident = Array.from({ length: 20 }, () => 0.5)
    const calm = usualBand(quiet)
    const after = usualBand([...quiet, ...incident])
    expect(calm?.low).toBeGreaterThan(0.01)
    expect(calm?.high).toBeLessThan(0.1)
    expect(after?.high).toBeLessThan(0.1)
  })

  it('is not told by a handful of points', () => {
    expect(usualBand([0.1, 0.2, null])).toBeNull()
  })
})

it('keeps the largest series and makes the rest one', () => {
  const series = [1, 5, 3, 2].map((n) => ({ key: `s${n}`, counts: [n, n] }))
  expect(topSeries(series, 2)).toEqual([
    { key: 's5', counts: [5, 5] },
    { key: 's3', counts: [3, 3] },
    { key: OTHER, counts: [3, 3] },
  ])
  expect(topSeries(series, 9)).toHaveLength(4)
})

it('has no error rate where nothing came', () => {
  const series = [
    { key: 'info', counts: [3, 0] },
    { key: 'error', counts: [1, 0] },
  ]
  expect(errorRates({ times: [0, 1], stepMs: 1, series })).toEqual([0.25, null])
})
