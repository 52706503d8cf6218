// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { axisSteps, axisText, axisTop, shortText, valueText } from './units'

describe('values', () => {
  it('read by what they are', () => {
    expect(valueText(12_345, 'count')).toBe('12,345')
    expect(valueText(0.031, 'percent')).toBe('3.1%')
    expect(valueText(2.25, 'rate')).toBe('2.3')
    expect(valueText(null, 'rate')).toBe('–')
    expect(valueText(Number.NaN, 'count')).toBe('–')
  })

  it('are short in a legend', () => {
    expect(shortText(1_234_567, 'count')).toBe('1.2M')
    expect(shortText(null, 'count')).toBe('–')
  })
})

describe('the top of an axis', () => {
  it('is round, above the highest value, and rests while values wander', () => {
    expect(axisTop(97, 'rate')).toBe(120)
    expect(axisTop(101, 'rate')).toBe(120)
    expect(axisTop(110, 'rate')).toBe(120)
    for (const max of [0.02, 0.7, 1, 3.9, 42, 99.9, 1234, 7e6]) expect(axisTop(max, 'rate')).toBeGreaterThan(max)
  })

  it('exists without values', () => {
    expect(axisTop(0, 'count')).toBe(4)
    expect(axisTop(0, 'percent')).toBeGreaterThan(0)
    expect(axisTop(Number.NaN, 'rate')).toBe(1)
  })

  it('is never over the whole', () => {
    expect(axisTop(1, 'percent')).toBe(1)
  })
})

describe('marks', () => {
  it('of counts are whole', () => {
    expect(Math.min(...axisSteps('count'))).toBe(1)
    expect(Math.min(...axisSteps('percent'))).toBeLessThan(0.001)
  })

  it('show as many digits as their distance needs', () => {
    expect(axisText(0.05, 0.05, 'percent')).toBe('5%')
    expect(axisText(0.005, 0.005, 'percent')).toBe('0.5%')
    expect(axisText(0.0005, 0.0005, 'percent')).toBe('0.05%')
    expect(axisText(0.5, 0.5, 'rate')).toBe('0.5')
    expect(axisText(0, 0.5, 'rate')).toBe('0')
    expect(axisText(20_000, 10_000, 'count')).toBe('20K')
  })
})
