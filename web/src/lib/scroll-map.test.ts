import { describe, expect, it } from 'vitest'
import { rowsInSight, ScrollMap } from './scroll-map'

const { MOST } = ScrollMap

describe('a list that fits an element', () => {
  it('is scrolled as it is', () => {
    const map = new ScrollMap()
    map.resize(26 * 1000, 600)
    expect(map.height).toBe(26_000)
    expect(map.scroll(5000)).toBeNull()
    expect(map.top).toBe(5000)
    expect(map.shift).toBe(0)
  })

  it('stays within its ends when it shrinks', () => {
    const map = new ScrollMap()
    map.resize(26_000, 600)
    map.scroll(20_000)
    expect(map.resize(10_000, 600)).toBe(9400)
    expect(map.resize(100, 600)).toBe(0)
  })
})

describe('a list of ten million rows', () => {
  const rows = 10_000_000
  const whole = rows * 26
  const far = () => {
    const map = new ScrollMap()
    map.resize(whole, 600)
    return map
  }

  it('has an element that every browser takes', () => {
    expect(far().height).toBe(MOST)
  })

  it('reaches its last row by the scroll bar', () => {
    const map = far()
    map.scroll(MOST - 600)
    expect(map.top).toBe(whole - 600)
    expect(rowsInSight(map.top, 600, 26, rows, 0).end).toBe(rows)
  })

  it('moves by single pixels in the middle', () => {
    const map = far()
    map.scroll(MOST / 2)
    const before = map.top
    map.scroll(MOST / 2 + 30)
    expect(map.top - before).toBe(30)
    expect(map.shift).toBeCloseTo(MOST / 2 - before, 5)
  })

  it('is never blocked by an end of the element that is not its own end', () => {
    const map = far()
    let scrolled = map.moveTo(200_000)
    for (let i = 0; i < 3000; i++) {
      scrolled = Math.max(0, scrolled - 100)
      scrolled = map.scroll(scrolled) ?? scrolled
    }
    expect(map.top).toBe(0)
    expect(scrolled).toBe(0)
  })

  it('reaches its end by small steps', () => {
    const map = far()
    let scrolled = map.moveTo(whole - 100_000)
    for (let i = 0; i < 2000; i++) {
      scrolled = Math.min(MOST - 600, scrolled + 100)
      scrolled = map.scroll(scrolled) ?? scrolled
    }
    expect(map.top).toBe(whole - 600)
  })
})

describe('rows in sight', () => {
  it('have spares on both sides, and never more than there are', () => {
    expect(rowsInSight(260, 260, 26, 1000, 5)).toEqual({ start: 5, end: 25 })
    expect(rowsInSight(0, 260, 26, 3, 5)).toEqual({ start: 0, end: 3 })
    expect(rowsInSight(0, 260, 26, 0, 5)).toEqual({ start: 0, end: 0 })
  })
})
