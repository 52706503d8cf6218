// @vitest-environment node
import { expect, it } from 'vitest'
import { mainLevelToken, withoutCutEnds } from './PatternTrend'

it.each([
  [[1, 5, 5, 5, 2], [5, 5, 5]],
  [[1, 5, 5, 5, 9], [5, 5, 5, 9]],
  [[0, 0, 0], [0, 0, 0]],
  [[], []],
])('a course that ends now loses the buckets that are cut, but not a burst: %j', (counts, shown) => {
  expect(withoutCutEnds(counts)).toEqual(shown)
})

it('has the colour of what most of the lines are, of equals of the graver', () => {
  expect(mainLevelToken({ debug: 0, info: 5, warn: 1, error: 2 })).toBe('info-fill')
  expect(mainLevelToken({ debug: 0, info: 2, warn: 0, error: 2 })).toBe('error-fill')
})
