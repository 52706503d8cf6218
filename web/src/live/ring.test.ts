import { describe, expect, it } from 'vitest'
import { Ring } from './ring'
import type { RowBatch, TableRow } from './rows'

function batch(offsets: readonly number[], partition = 0): RowBatch {
  const n = offsets.length
  return {
    length: n,
    time: Float64Array.from(offsets, (offset) => offset * 10),
    received: Float64Array.from(offsets, (offset) => offset * 10 + 1),
    level: Uint8Array.from(offsets, (offset) => offset % 4),
    partition: Uint32Array.from(offsets, () => partition),
    offset: Float64Array.from(offsets),
    source: offsets.map((offset) => `s${offset % 3}`),
    message: offsets.map((offset) => `line ${offset}`),
    pattern: offsets.map(() => 'p'),
    extra: offsets.map(() => ''),
    insights: [],
  }
}

function row(offset: number): TableRow {
  return { kind: 'line', seq: `0-${offset}`, time: offset, received: offset, level: 'info', source: 's', message: `old ${offset}`, patternId: 'p', extra: '' }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const shown = (ring: Ring, top = ring.next) => range(ring.first, top).map((at) => ring.get(at)?.seq)

describe('the ring', () => {
  it('gives back what was put in', () => {
    const ring = new Ring(8)
    ring.append(batch([5, 6]))
    expect(ring.get(1)).toEqual({ kind: 'line', seq: '0-6', time: 60, received: 61, level: 'warn', source: 's0', message: 'line 6', patternId: 'p', extra: '' })
    expect(ring.find('0-5')).toBe(0)
    expect(ring.find('1-5')).toBeUndefined()
  })

  it('loses the oldest when it is full, and keeps the numbers of the others', () => {
    const ring = new Ring(4)
    ring.append(batch(range(0, 6)))
    expect([ring.first, ring.next, ring.size]).toEqual([2, 6, 4])
    expect(shown(ring)).toEqual(['0-2', '0-3', '0-4', '0-5'])
    expect(ring.get(1)).toBeUndefined()
  })

  it('takes no event twice, by partition', () => {
    const ring = new Ring(8)
    ring.append(batch([0, 1, 2]))
    expect(ring.append(batch([1, 2, 3]))).toBe(1)
    expect(ring.append(batch([1], 1))).toBe(1)
    expect(shown(ring)).toEqual(['0-0', '0-1', '0-2', '0-3', '1-1'])
  })

  it('takes older rows in front while there is room', () => {
    const ring = new Ring(4)
    ring.append(batch([10, 11]))
    expect(ring.prepend([row(9), row(8), row(7)])).toBe(2)
    expect(shown(ring)).toEqual(['0-8', '0-9', '0-10', '0-11'])
  })

  it('puts rows between, and marks', () => {
    const ring = new Ring(16)
    ring.append(batch([0, 1]))
    const mark = ring.mark('gap', 5)
    ring.append(batch([9]))
    ring.insertAfter(mark, [row(3), row(4)])
    expect(shown(ring)).toEqual(['0-0', '0-1', '', '0-3', '0-4', '0-9'])
    ring.setMessage(mark, 'filled')
    expect(ring.get(mark)).toMatchObject({ kind: 'mark', message: 'filled' })
  })
})

describe('a frozen view', () => {
  it('is not touched by what comes, however much', () => {
    const ring = new Ring(10)
    ring.append(batch(range(0, 10)))
    ring.held = { top: 10, keep: 6 }
    ring.append(batch(range(10, 40)))
    expect(range(6, 10).map((at) => ring.get(at)?.seq)).toEqual(['0-6', '0-7', '0-8', '0-9'])
    expect(ring.first).toBe(6)
    expect(ring.heldBack).toBe(24)
    expect(ring.size).toBe(10)
  })

  it('keeps its place when rows are put in below or above', () => {
    const ring = new Ring(20)
    ring.append(batch(range(0, 5)))
    ring.held = { top: 5, keep: 3 }
    ring.insertAfter(1, [row(100), row(101)])
    expect(ring.held).toEqual({ top: 7, keep: 5 })
    expect(ring.get(ring.held.top - 1)?.seq).toBe('0-4')
    ring.insertAfter(6, [row(102)])
    expect(ring.held.top).toBe(7)
  })

  it('ends with the rows', () => {
    const ring = new Ring(4)
    ring.append(batch([1]))
    ring.held = { top: 1, keep: 0 }
    ring.clear()
    expect([ring.held, ring.heldBack, ring.size]).toEqual([null, 0, 0])
  })
})
