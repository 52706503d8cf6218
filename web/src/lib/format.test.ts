// @vitest-environment node
import { expect, it } from 'vitest'
import { ago, change, count, counted, minutes, percent, rate, rowTime, stretch } from './format'

it.each<[string, string]>([
  [count(9999), '9,999'],
  [count(12_431), '12.4K'],
  [counted(1, 'event'), '1 event'],
  [counted(12_000, 'event'), '12K events'],
  [rate(0), '0'],
  [rate(0.001), '<0.01'],
  [rate(0.44), '0.44'],
  [rate(7.04), '7.0'],
  [rate(5021.4), '5,021'],
  [percent(0), '0%'],
  [percent(1), '100%'],
  [percent(0.0424), '4.2%'],
  [percent(0.000_01), '<0.1%'],
  [change(112, 100) ?? '', '+12%'],
  [change(90.02, 100) ?? '', '−10%'],
  [change(1200, 100) ?? '', '×12'],
  [change(100, 100) ?? '', '±0%'],
  [minutes(60), '1 hour'],
  [stretch(60), 'hour'],
  [stretch(2880), '2 days'],
  [rowTime(Number.NaN), '—'],
])('%s', (said, expected) => expect(said).toBe(expected))

it('has no change against nothing', () => expect(change(5, 0)).toBeNull())

it.each([
  [2, 'just now'],
  [40, '40s ago'],
  [180, '3m ago'],
  [3590, '1h ago'],
  [7300, '2h ago'],
  [200_000, '2d ago'],
])('%i seconds are %s', (seconds, expected) => expect(ago(0, seconds * 1000)).toBe(expected))
