// @vitest-environment node
import { describe, expect, it } from 'vitest'
import type { Insight } from '@/api/types'
import { without } from './explore-links'
import { hasWords, saying, sureness, whyLocal, worthALook } from '@/components/insight/words'
import { changeText, goneLines, inOrder, keptOrder, matching, surprise, type PatternLine } from './order'
import { bounds, linesBefore } from './queries'
import { inSight } from './window'

const local: Insight = { summary: 'analysis_failed', confidence: 0, status: 'no_key', severity: 'info', category: 'other' }

function line(id: string, more: Partial<PatternLine> = {}): PatternLine {
  return {
    id,
    template: `template ${id}`,
    count: 10,
    share: 0.1,
    levels: { debug: 0, info: 10, warn: 0, error: 0 },
    sources: 1,
    firstSeen: '2026-03-01T00:00:00Z',
    lastSeen: '2026-03-02T00:00:00Z',
    isNew: false,
    insight: local,
    before: null,
    ...more,
  }
}

const ids = (lines: readonly PatternLine[]) => lines.map(({ id }) => id)

describe('order', () => {
  const lines = [
    line('a', { count: 1_000_000, before: 1_000_100, firstSeen: '2026-03-01T00:00:00Z', levels: { debug: 0, info: 0, warn: 0, error: 1 } }),
    line('b', { count: 500, before: 20, firstSeen: '2026-03-02T00:00:00Z' }),
    line('c', { count: 20, before: 10, lastSeen: '2026-03-03T00:00:00Z' }),
  ]

  it('goes by lines, novelty, last sight or errors', () => {
    expect(ids(inOrder(lines, 'count'))).toEqual(['a', 'b', 'c'])
    expect(ids(inOrder(lines, 'first'))[0]).toBe('b')
    expect(ids(inOrder(lines, 'recent'))[0]).toBe('c')
    expect(ids(inOrder(lines, 'errors'))[0]).toBe('a')
  })

  it('puts first what changed beyond chance, not what has the largest numbers', () => {
    expect(ids(inOrder(lines, 'change'))).toEqual(['b', 'c', 'a'])
    expect(surprise(line('x', { before: null }))).toBe(0)
  })

  it('stays while it is asked to, with what is new at the end', () => {
    expect(ids(keptOrder([line('n'), line('a'), line('b')], ['b', 'a']))).toEqual(['b', 'a', 'n'])
  })

  it('finds all words, in any case, and ids', () => {
    const some = [line('00000000000000aa', { template: 'GET /orders <*>' }), line('b', { template: 'get users' })]
    expect(ids(matching(some, 'get ORDERS'))).toEqual(['00000000000000aa'])
    expect(matching(some, undefined)).toHaveLength(2)
    expect(matching(some, '  ')).toHaveLength(2)
    expect(matching(some, '00000000000000aa')).toHaveLength(1)
    expect(matching(some, 'absent')).toHaveLength(0)
  })
})

describe('change against the window before', () => {
  it('reads as a person would say it', () => {
    expect(changeText(line('a', { count: 12, before: 10 }))).toBe('+20%')
    expect(changeText(line('a', { count: 12, before: 0, isNew: true }))).toBe('new')
    expect(changeText(line('a', { count: 12, before: 0 }))).toBe('back')
    expect(changeText(line('a', { before: null }))).toBe('–')
  })

  it('knows a zero from what was not told', () => {
    const patterns = new Map([['a', line('a', { count: 3 })]])
    expect(linesBefore({ patterns, whole: true }, 'a')).toBe(3)
    expect(linesBefore({ patterns, whole: true }, 'b')).toBe(0)
    expect(linesBefore({ patterns, whole: false }, 'b')).toBeNull()
    expect(linesBefore(undefined, 'a')).toBeNull()
  })

  it('tells of what is gone too, and how much of it there was', () => {
    const now = [line('a', { trend: [4, 6] })]
    const gone = goneLines([line('a'), line('b', { count: 70, trend: [3, 4] })], now)
    expect(gone).toMatchObject([{ id: 'b', count: 0, before: 70, trend: [0, 0] }])
    expect(gone.map(changeText)).toEqual(['gone'])
    expect(ids(inOrder([...now, ...gone], 'change'))).toEqual(['b', 'a'])
  })

  it('is against a window of the same length', () => {
    expect(bounds({ since: 60 }, 7_200_000)).toEqual({ from: 3_600_000, to: 7_200_000 })
    expect(bounds({ from: 5, to: 9 }, 7_200_000)).toEqual({ from: 5, to: 9 })
  })
})

describe('rows in sight', () => {
  it('are those in the window and some beside', () => {
    expect(inSight(0, 400, 40, 1000, 2)).toEqual({ start: 0, end: 12 })
    expect(inSight(4000, 400, 40, 1000, 2)).toEqual({ start: 98, end: 112 })
  })

  it('are never outside the list', () => {
    expect(inSight(0, 400, 40, 3, 2)).toEqual({ start: 0, end: 3 })
    expect(inSight(99_999, 400, 40, 3, 2)).toEqual({ start: 2, end: 3 })
    expect(inSight(0, 400, 40, 0, 2)).toEqual({ start: 0, end: 0 })
  })
})

describe('insights', () => {
  const told: Insight = { summary: 'The provider fails', confidence: 0.91, status: 'ok', severity: 'high', category: 'dependency' }

  it('say what a model said, or what is known without one', () => {
    expect(hasWords(told)).toBe(true)
    expect(saying(told)).toBe('The provider fails')
    expect(sureness(told)).toBe('91% confidence')
    expect(whyLocal(told)).toBe('')
    expect(saying({ ...local, hint: 'Look there' })).toBe('Look there')
    expect(saying(local)).toBeNull()
    expect(sureness(local)).toBe('local rules')
    expect(whyLocal(local)).toContain('no model is configured')
  })

  it('never show the word for failure as a summary', () => {
    expect(hasWords({ ...told, summary: 'analysis_failed' })).toBe(false)
  })

  it('are ranked by what matters, and leave out what does not', () => {
    const lines = [
      line('usual'),
      line('low', { insight: { ...local, severity: 'low', hint: 'x' } }),
      line('high', { insight: told }),
      line('new high', { insight: told, isNew: true }),
      line('grave but silent', { insight: { ...local, severity: 'critical' } }),
    ]
    expect(ids(worthALook(lines, 5) as PatternLine[])).toEqual(['new high', 'high', 'low'])
    expect(worthALook(lines, 1)).toHaveLength(1)
  })
})

it('explores without a pattern under the same filters', () => {
  expect(without({ q: 'timeout', since: 60, pattern: 'x' }, 'ab')).toEqual({ q: 'timeout -pattern:ab', since: 60, pattern: undefined })
  expect(without({}, 'ab').q).toBe('-pattern:ab')
})
