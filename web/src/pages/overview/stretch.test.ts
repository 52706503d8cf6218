// @vitest-environment node
import { describe, expect, it } from 'vitest'
import type { Histogram } from '@/api/types'
import { Seconds } from '@/lib/series'
import { coveredUntil, perSecond, serverNow, timelineOf, withoutFuture } from './stretch'

function seconds(from: number, to: number, count = 7): Seconds {
  const live = new Seconds()
  for (let second = from; second <= to; second++) live.add({ second, counts: [{ source: 'a', level: 'info', count }], dropped: 0 })
  return live
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function histogram(from: number, counts: number[], bucketMs = 1000): Histogram {
  return { from: iso(from), to: iso(from + counts.length * bucketMs), bucketMs, by: 'level', series: [{ key: 'info', counts }], total: 0 }
}

describe('where the history ends and the live seconds begin', () => {
  it('leaves the newest seconds to the stream', () => {
    expect(coveredUntil(100_500)).toBe(97_000)
    expect(coveredUntil(100_000)).toBe(97_000)
  })

  it('goes by the clock of the server where it is known', () => {
    expect(serverNow(seconds(10, 20), 999_000)).toBe(22_000)
    expect(serverNow(new Seconds(), 999_000)).toBe(999_000)
  })
})

describe('the timeline', () => {
  it('counts each second once: the history up to where it was asked, the stream from there', () => {
    const stretch = { histogram: histogram(90_000, [1, 1, 1, 1, 1, 1, 1, 1]), fromMs: 90_000, coveredMs: 98_000 }
    const timeline = timelineOf(stretch, seconds(95, 99), 'level')
    expect(timeline.times).toEqual([92_000, 93_000, 94_000, 95_000, 96_000, 97_000, 98_000, 99_000])
    expect(timeline.series).toEqual([{ key: 'info', counts: [1, 1, 1, 1, 1, 1, 7, 7] }])
    expect(timeline.toMs).toBe(100_000)
  })

  it('stands still at a hole until the history has it', () => {
    const live = seconds(98, 98)
    for (const [second, counts] of seconds(100, 105).after(0)) live.add({ second, counts, dropped: 0 })
    const stretch = { histogram: histogram(90_000, [1, 1, 1, 1, 1, 1, 1, 1]), fromMs: 90_000, coveredMs: 98_000 }
    const timeline = withoutFuture(timelineOf(stretch, live, 'level'))
    expect(timeline.toMs).toBe(99_000)
    expect(timeline.times.at(-1)).toBe(98_000)
    expect(timeline.series[0]?.counts.at(-1)).toBe(7)
  })

  it('counts names that the history folds to the rest, and of a flood of names all but forty', () => {
    const flood = new Seconds()
    flood.add({ second: 98, counts: Array.from({ length: 500 }, (_, i) => ({ source: `s${i}`, level: 'info' as const, count: 1 })), dropped: 0 })
    const base = histogram(97_000, [1])
    const open = timelineOf({ histogram: base, fromMs: 97_000, coveredMs: 98_000 }, flood, 'source')
    expect(open.series.length).toBeLessThanOrEqual(41)
    expect(open.series.reduce((all, { counts }) => all + (counts.at(-1) ?? 0), 0)).toBe(500)
    const folding = { ...base, series: [...base.series, { key: 'Other', counts: [3] }] }
    const folded = timelineOf({ histogram: folding, fromMs: 97_000, coveredMs: 98_000 }, flood, 'source')
    expect(folded.series.map(({ key }) => key)).toEqual(['info', 'Other'])
    expect(folded.series[1]?.counts).toEqual([500])
  })

  it('adds live seconds to a bucket that the history began', () => {
    const stretch = { histogram: histogram(90_000, [50, 8], 5000), fromMs: 90_000, coveredMs: 97_000 }
    const timeline = timelineOf(stretch, seconds(96, 98), 'level')
    expect(timeline.series[0]?.counts).toEqual([50, 8 + 7 + 7])
  })

  it('is empty where nothing was ever stored, whatever comes live', () => {
    const empty = { ...histogram(0, []), bucketMs: 60_000 }
    expect(timelineOf({ histogram: empty, fromMs: 0, coveredMs: 98_000 }, seconds(98, 99), 'level')).toMatchObject({ times: [], series: [] })
  })

  it('keeps its buckets where no source sent anything', () => {
    const quiet = { ...histogram(90_000, [0, 0, 0, 0, 0, 0, 0, 0]), series: [] }
    const timeline = timelineOf({ histogram: quiet, fromMs: 90_000, coveredMs: 98_000 }, seconds(98, 98), 'source')
    expect(timeline.times).toHaveLength(8)
    expect(timeline.series).toEqual([{ key: 'a', counts: [0, 0, 0, 0, 0, 0, 0, 7] }])
  })

  it('ends where nothing is covered yet', () => {
    const stretch = { histogram: histogram(90_000, [1, 1, 0, 0]), fromMs: 90_000, coveredMs: 92_000 }
    expect(withoutFuture(timelineOf(stretch, new Seconds(), 'level')).times).toEqual([90_000, 91_000])
  })
})

describe('rates', () => {
  it('divide buckets that are cut at the ends by the time they cover', () => {
    const cover = { times: [0, 10_000, 20_000], stepMs: 10_000, fromMs: 5000, toMs: 22_000 }
    expect(perSecond([50, 100, 20], cover)).toEqual([10, 10, 10])
  })

  it('never divide by less than a second', () => {
    expect(perSecond([3], { times: [0], stepMs: 10_000, fromMs: 0, toMs: 100 })).toEqual([3])
  })
})
