// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { errorChange, growth, massOf, spread, thinned, volumeChange } from './figures'
import { assigned, ColourBook } from './source-colours'

it('adds up levels and errors', () => {
  const series = [
    { key: 'info', counts: [5, 5] },
    { key: 'error', counts: [1, 2] },
  ]
  expect(massOf(series)).toEqual({ total: 13, errors: 3 })
  expect(massOf([])).toEqual({ total: 0, errors: 0 })
  expect(growth(series)).toEqual([6, 13])
})

describe('changes', () => {
  it('of volume are neither good nor bad', () => {
    expect(volumeChange(110, 100)).toEqual({ text: '+10%', tone: 'neutral', direction: 'up' })
    expect(volumeChange(100, 100)).toMatchObject({ text: '±0%', direction: 'flat' })
    expect(volumeChange(5, 0)).toBeNull()
  })

  it('of the error rate are points, and more is worse', () => {
    expect(errorChange({ total: 100, errors: 5 }, { total: 100, errors: 2 })).toEqual({ text: '+3.0 pts', tone: 'bad', direction: 'up' })
    expect(errorChange({ total: 1000, errors: 20 }, { total: 100, errors: 3 })).toEqual({ text: '−1.0 pts', tone: 'good', direction: 'down' })
    expect(errorChange({ total: 10, errors: 1 }, { total: 100, errors: 10 })).toMatchObject({ text: '±0 pts', tone: 'neutral', direction: 'flat' })
    expect(errorChange({ total: 10, errors: 1 }, { total: 0, errors: 0 })).toBeNull()
  })
})

describe('sparklines', () => {
  it('count moments into equal parts, and leave out those outside', () => {
    expect(spread([0, 10, 19, 99, 100, -1], 0, 100, 10)).toEqual([1, 2, 0, 0, 0, 0, 0, 0, 0, 1])
  })

  it('are thinned from the newest end, by means', () => {
    expect(thinned([9, 1, 3, 5, 7], 3)).toEqual([9, 2, 6])
    expect(thinned([1, 2], 3)).toEqual([1, 2])
  })
})

describe('colours of sources', () => {
  it('stay with a source while others come and go', () => {
    const book = new ColourBook()
    const first = book.of(['a', 'b', 'c'])
    expect([...first.values()]).toEqual(['c0', 'c1', 'c2'])
    const second = book.of(['aa', 'b', 'c'])
    expect(second.get('b')).toBe('c1')
    expect(second.get('c')).toBe('c2')
    expect(second.get('aa')).toBe('c0')
  })

  it('are never given twice while there are enough', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const tokens = [...assigned(names, new Map([['g', 'c0'], ['a', 'c6']])).values()]
    expect(new Set(tokens).size).toBe(names.length)
  })
})
