// @vitest-environment node
import { expect, it } from 'vitest'
import { walked } from './keys'

const key = (name: string, shiftKey = false) => ({ key: name, shiftKey })
const nowhere = { at: null, anchor: null }

it('begins at the newest bucket and stays within the ends', () => {
  expect(walked(nowhere, key('ArrowLeft'), 10, false)).toMatchObject({ at: 9 })
  expect(walked({ at: 9, anchor: null }, key('ArrowLeft'), 10, false)).toMatchObject({ at: 8 })
  expect(walked({ at: 9, anchor: null }, key('ArrowRight'), 10, false)).toMatchObject({ at: 9 })
  expect(walked({ at: 0, anchor: null }, key('PageUp'), 100, false)).toMatchObject({ at: 0 })
  expect(walked({ at: 50, anchor: null }, key('PageDown'), 101, false)).toMatchObject({ at: 60 })
  expect(walked(nowhere, key('Home'), 10, false)).toMatchObject({ at: 0 })
})

it('selects with Shift, and Enter zooms into what was selected', () => {
  const first = walked({ at: 5, anchor: null }, key('ArrowLeft', true), 10, true)
  expect(first).toEqual({ at: 4, anchor: 5 })
  const second = walked(first ?? nowhere, key('ArrowLeft', true), 10, true)
  expect(second).toEqual({ at: 3, anchor: 5 })
  expect(walked(second ?? nowhere, key('Enter'), 10, true)).toEqual({ at: null, anchor: null, zoom: [3, 5] })
})

it('selects nothing where there is no zoom', () => {
  expect(walked({ at: 5, anchor: null }, key('ArrowLeft', true), 10, false)).toEqual({ at: 4, anchor: null })
  expect(walked({ at: 5, anchor: 3 }, key('Enter'), 10, false)).toBeNull()
})

it('drops the selection when it walks on, and everything on Escape', () => {
  expect(walked({ at: 5, anchor: 8 }, key('ArrowRight'), 10, true)).toEqual({ at: 6, anchor: null })
  expect(walked({ at: 5, anchor: 8 }, key('Escape'), 10, true)).toEqual(nowhere)
})

it('leaves other keys, and Escape with nothing to drop, to the page', () => {
  expect(walked(nowhere, key('Escape'), 10, true)).toBeNull()
  expect(walked({ at: 5, anchor: null }, key('x'), 10, true)).toBeNull()
  expect(walked({ at: 5, anchor: null }, key('Enter'), 10, true)).toBeNull()
  expect(walked(nowhere, key('ArrowLeft'), 0, true)).toBeNull()
})
