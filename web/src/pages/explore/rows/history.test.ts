import { describe, expect, it } from 'vitest'
import type { RecentPage } from '@/api/queries'
import { PAGE, pagesFor, pagesSource } from './history'

describe('pages', () => {
  it('are those in sight, and one on each side that exists', () => {
    expect(pagesFor(0, 30, 10_000)).toEqual({ needed: [0], ahead: [1] })
    expect(pagesFor(PAGE - 5, PAGE + 20, 10_000)).toEqual({ needed: [0, 1], ahead: [2] })
    expect(pagesFor(PAGE * 7, PAGE * 7 + 30, 10_000)).toEqual({ needed: [7], ahead: [8, 6] })
    expect(pagesFor(9990, 10_000, 10_000)).toEqual({ needed: [49], ahead: [48] })
  })

  it('are never past the last one, whatever is asked', () => {
    expect(pagesFor(99_999, 100_030, 150)).toEqual({ needed: [0], ahead: [] })
    expect(pagesFor(0, 0, 0)).toEqual({ needed: [0], ahead: [] })
  })

  it('give rows by place over all of the list, and find one that is held', () => {
    const page = (from: number): RecentPage => ({
      rows: Array.from({ length: PAGE }, (_, i) => ({
        id: from + i,
        seq: `0-${from + i}`,
        source: 's',
        level: 'info',
        message: 'm',
        timestamp: '2026-03-02T14:02:11.482Z',
        receivedAt: '2026-03-02T14:02:11.490Z',
        context: {},
        patternId: 'p',
        insight: { summary: 'analysis_failed', confidence: 0, status: 'no_key', severity: 'info', category: 'other' },
      })),
    })
    const source = pagesSource(new Map([[0, page(0)], [3, page(3 * PAGE)]]), 5000, 'x')
    expect(source.count).toBe(5000)
    expect(source.get(3 * PAGE + 7)?.seq).toBe(`0-${3 * PAGE + 7}`)
    expect(source.get(PAGE)).toBeUndefined()
    expect(source.indexOf(`0-${3 * PAGE + 7}`)).toBe(3 * PAGE + 7)
    expect(source.indexOf('1-1')).toBeUndefined()
  })
})
