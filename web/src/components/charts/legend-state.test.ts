// @vitest-environment node
import { expect, it } from 'vitest'
import { clicked } from './legend-state'

const KEYS = ['a', 'b', 'c']
const none = new Set<string>()

it('hides and shows one', () => {
  const hidden = clicked(none, KEYS, 'b', false)
  expect([...hidden]).toEqual(['b'])
  expect(clicked(hidden, KEYS, 'b', false).size).toBe(0)
})

it('never hides everything', () => {
  expect(clicked(new Set(['a', 'b']), KEYS, 'c', false).size).toBe(0)
})

it('isolates one, and brings all back the second time', () => {
  const alone = clicked(none, KEYS, 'b', true)
  expect([...alone]).toEqual(['a', 'c'])
  expect(clicked(alone, KEYS, 'b', true).size).toBe(0)
})

it('isolates another, also one that is hidden', () => {
  expect([...clicked(new Set(['a', 'c']), KEYS, 'c', true)]).toEqual(['a', 'b'])
})

it('forgets series that are gone', () => {
  expect([...clicked(new Set(['gone']), KEYS, 'a', false)]).toEqual(['a'])
})
