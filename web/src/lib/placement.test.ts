import { describe, expect, it } from 'vitest'
import { besides } from './placement'

const view = { width: 400, height: 300 }
const own = { width: 100, height: 50 }

describe('a box beside a control', () => {
  it('hangs below it, aligned as asked', () => {
    const anchor = { left: 150, top: 20, width: 40, height: 20 }
    expect(besides(anchor, own, 'bottom', view, 'start')).toEqual({ left: 150, top: 46 })
    expect(besides(anchor, own, 'bottom', view, 'end')).toEqual({ left: 90, top: 46 })
    expect(besides(anchor, own, 'bottom', view)).toEqual({ left: 120, top: 46 })
  })

  it('goes to the other side where there is no room', () => {
    expect(besides({ left: 150, top: 270, width: 40, height: 20 }, own, 'bottom', view).top).toBe(214)
    expect(besides({ left: 350, top: 100, width: 40, height: 20 }, own, 'right', view).left).toBe(244)
  })

  it('stays inside the window, even one that is too small for it', () => {
    expect(besides({ left: 0, top: 20, width: 10, height: 10 }, own, 'bottom', view, 'end').left).toBe(8)
    expect(besides({ left: 390, top: 20, width: 10, height: 10 }, own, 'bottom', view, 'start').left).toBe(292)
    expect(besides({ left: 5, top: 5, width: 10, height: 10 }, { width: 900, height: 900 }, 'bottom', view)).toEqual({ left: 8, top: 8 })
  })
})
