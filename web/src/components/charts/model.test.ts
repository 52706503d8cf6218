// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { bucketAt, folded, seriesTotal, tops } from './model'
import type { Model, NamedSeries } from './types'

function named(key: string, values: (number | null)[]): NamedSeries {
  return { key, label: key, token: 'c0', values }
}

function model(series: NamedSeries[], more: Partial<Model> = {}): Model {
  return { kind: 'stack', unit: 'count', times: [1000, 2000, 3000], stepMs: 1000, hidden: new Set(), series, ...more }
}

describe('folding', () => {
  it('leaves eight series as they are', () => {
    const series = Array.from({ length: 8 }, (_, i) => named(`s${i}`, [i]))
    expect(folded(series, 1).map(({ key }) => key)).toEqual(series.map(({ key }) => key))
  })

  it('keeps the seven largest of more in their order, and adds up the rest', () => {
    const series = [5, 9, 1, 8, 7, 2, 6, 4, 3].map((n) => named(`s${n}`, [n, 10 * n]))
    const kept = folded(series, 2)
    expect(kept.map(({ key }) => key)).toEqual(['s5', 's9', 's8', 's7', 's6', 's4', 's3', 'Other'])
    expect(Array.from(kept[7]?.values ?? [])).toEqual([3, 30])
  })

  it('counts what the server folded already to the rest, however large', () => {
    const series = [...Array.from({ length: 8 }, (_, i) => named(`s${i}`, [i + 1])), named('Other', [1000])]
    const kept = folded(series, 1)
    expect(kept).toHaveLength(8)
    expect(kept[7]).toMatchObject({ key: 'Other' })
    expect(kept[7]?.values[0]).toBe(1001)
  })
})

describe('height of the axis', () => {
  const series = [named('a', [1, null, 3]), named('b', [10, null, 30])]

  it('is the pile of a stack and the highest of lines', () => {
    expect(tops(model(series))).toEqual([11, null, 33])
    expect(tops(model(series, { kind: 'line' }))).toEqual([10, null, 30])
  })

  it('leaves out what is hidden', () => {
    expect(tops(model(series, { hidden: new Set(['b']) }))).toEqual([1, null, 3])
  })
})

describe('a bucket', () => {
  const series = [named('low', [1]), named('none', [null]), named('high', [6]), named('also high', [6])]

  it('is sorted, with a total and shares of it', () => {
    const bucket = bucketAt(model(series), 0)
    expect(bucket?.rows.map(({ key }) => key)).toEqual(['high', 'also high', 'low', 'none'])
    expect(bucket?.total).toBe(13)
    expect(bucket?.rows[0]?.share).toBeCloseTo(6 / 13)
    expect(bucket?.rows[3]?.share).toBeNull()
    expect(bucket).toMatchObject({ from: 1000, to: 2000 })
  })

  it('takes shares of what is shown', () => {
    expect(bucketAt(model(series, { hidden: new Set(['high']) }), 0)?.total).toBe(7)
  })

  it('has no total where values do not add up', () => {
    expect(bucketAt(model([named('rate', [0.1])], { unit: 'percent' }), 0)?.total).toBeNull()
    expect(bucketAt(model([named('alone', [4])]), 0)?.total).toBeNull()
  })

  it('is nothing beyond the ends', () => {
    expect(bucketAt(model(series), 3)).toBeNull()
    expect(bucketAt(model(series), -1)).toBeNull()
  })
})

it('adds up around missing values', () => {
  expect(seriesTotal([1, null, 2])).toBe(3)
})
