// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { barEdges, paintStack, withAlpha, type Frame } from './paint'

interface Rect {
  fill: unknown
  left: number
  top: number
  width: number
  height: number
}

/** A plot of 100 × 100 pixels over 0…10 s and 0…100. */
function frame(rects: Rect[], ratio = 1): Frame {
  const canvas = {
    fillStyle: '',
    fillRect: (left: number, top: number, width: number, height: number) => rects.push({ fill: canvas.fillStyle, left, top, width, height }),
  }
  const ctx = canvas as unknown as CanvasRenderingContext2D
  return { ctx, ratio, left: 0, top: 0, width: 100, height: 100, x: (time) => time / 100, y: (value) => 100 - value }
}

const named = (key: string, values: number[]) => ({ key, label: key, token: key, values })

describe('bars', () => {
  it('stand on each other without seams', () => {
    const rects: Rect[] = []
    paintStack(frame(rects), [0, 1000], 1000, [named('a', [10, 20]), named('b', [5, 0])], (token) => token)
    expect(rects).toEqual([
      { fill: 'a', left: 0, top: 90, width: 9, height: 10 },
      { fill: 'a', left: 10, top: 80, width: 9, height: 20 },
      { fill: 'b', left: 0, top: 85, width: 9, height: 5 },
    ])
  })

  it('show a single error on a busy day', () => {
    const rects: Rect[] = []
    paintStack(frame(rects), [0], 1000, [named('info', [90]), named('error', [0.01])], (token) => token)
    expect(rects[1]).toMatchObject({ fill: 'error', top: 9, height: 1 })
  })

  it('draw nothing for nothing', () => {
    const rects: Rect[] = []
    paintStack(frame(rects), [0, 1000], 1000, [named('a', [0, Number.NaN])], (token) => token)
    expect(rects).toEqual([])
  })
})

describe('edges', () => {
  it('touch where bars are narrow, and have a gap everywhere where they are wide', () => {
    expect([...barEdges([0, 1, 2], 1, (t) => t * 2.4, 1)]).toEqual([0, 2, 2, 5, 5, 7])
    expect([...barEdges([0, 1, 2], 1, (t) => t * 7.5, 1)]).toEqual([0, 7, 8, 14, 15, 22])
  })

  it('are at least a pixel apart', () => {
    const edges = barEdges([0, 1, 2, 3], 1, (t) => t * 0.2, 1)
    for (let i = 0; i < 4; i++) expect((edges[2 * i + 1] ?? 0) - (edges[2 * i] ?? 0)).toBe(1)
  })
})

it('makes colours see-through, also once a minifier shortened them', () => {
  expect(withAlpha('#102030', 0.5)).toBe('#10203080')
  expect(withAlpha('#fff', 1)).toBe('#ffffffff')
  expect(withAlpha('red', 0.5)).toBe('red')
})
