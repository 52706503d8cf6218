// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { timeLabels } from './axis-time'
import { sparkPath } from './Sparkline'
import { place, rowsThatFit } from './tooltip-place'

describe('the tooltip', () => {
  const tip = { width: 200, height: 100 }
  const area = { width: 600, height: 240 }

  it('stands right of the crosshair, left of it where there is no room', () => {
    expect(place(100, 120, tip, area)).toEqual({ left: 114, top: 70 })
    expect(place(500, 120, tip, area)).toEqual({ left: 286, top: 70 })
  })

  it('never leaves its panel', () => {
    for (const width of [150, 220, 300, 700]) {
      for (let x = 0; x <= width; x += 10) {
        const corner = place(x, 10, tip, { width, height: 90 })
        expect(corner.left).toBeGreaterThanOrEqual(0)
        expect(corner.top).toBe(0)
        if (width >= tip.width) expect(corner.left + tip.width).toBeLessThanOrEqual(width)
      }
    }
  })

  it('has as many rows as fit, at least one', () => {
    expect(rowsThatFit(200, 20, 60)).toBe(7)
    expect(rowsThatFit(40, 20, 60)).toBe(1)
  })
})

function at(hours: number): number {
  return new Date(2026, 2, 4, hours).getTime()
}

describe('marks of time', () => {
  it('name the day at midnight', () => {
    expect(timeLabels([at(0), at(6)], 6 * 3_600_000, at(0), at(23), 800)).toEqual(['04 Mar', '06:00'])
  })

  it('are years over centuries', () => {
    expect(timeLabels([at(0)], 365 * 86_400_000, at(0), at(24 * 3650), 800)).toEqual(['2026'])
  })

  it('leave out a label that the edge would cut', () => {
    expect(timeLabels([at(1), at(2)], 1000, at(0), at(2), 400)).toEqual(['01:00:00', ''])
  })
})

describe('a sparkline', () => {
  it('spans its box, the largest value on top', () => {
    expect(sparkPath([0, 5, 10], 20)).toBe('M0.0 19.0L50.0 10.0L100.0 1.0')
  })

  it('breaks at gaps and lies low without values', () => {
    expect(sparkPath([1, null, 1], 20)).toBe('M0.0 1.0M100.0 1.0')
    expect(sparkPath([0, 0], 20)).toBe('M0.0 19.0L100.0 19.0')
    expect(sparkPath([], 20)).toBe('')
    expect(sparkPath([3], 20)).toBe('M0.0 1.0L100.0 1.0')
  })
})
