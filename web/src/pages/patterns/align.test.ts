// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { align, holeValues, marked } from './align'

describe('values of a message', () => {
  it.each([
    ['job <*> finished in <*>', 'job 4821 finished in 3 ms', ['4821', '3 ms']],
    ['<*> after <*>', 'x after y', ['x', 'y']],
    ['key=<*> rest', 'key= rest', ['']],
    ['<*>', 'anything', ['anything']],
    ['a <*>\nb <*>', 'a 1\nb 2', ['1', '2']],
    ['no variable', 'no variable', []],
    ['from <*>:<*>', 'from 10.0.0.1:80', ['10.0.0.1', '80']],
    ['a <*> b <*> b', 'a 1 b 2 b 3 b', ['1', '2 b 3']],
  ])('%s', (template, message, values) => {
    expect(align(template, message)).toEqual(values)
  })

  it('are of the first line where only it was mined', () => {
    expect(align('panic in <*>', 'panic in worker\n  at x.rs:1\n  at y.rs:2')).toEqual(['worker'])
  })

  it('are found where blanks differ', () => {
    expect(align('took <*> ms', 'took   12\tms')).toEqual(['12'])
  })

  it('do not exist where the message is of another form', () => {
    expect(align('job <*> finished', 'job 1 failed')).toBeNull()
    expect(align('no variable', 'other')).toBeNull()
    expect(align('abc<*>cde', 'abcde')).toBeNull()
  })

  it('take time by the length of the text alone', () => {
    const template = Array.from({ length: 200 }, () => '<*>').join('a')
    const message = `${'a'.repeat(100_000)}b`
    const before = performance.now()
    expect(align(`${template}c`, message)).toBeNull()
    expect(align(template, message)).toHaveLength(200)
    // A matcher that tries every split would not come back at all.
    expect(performance.now() - before).toBeLessThan(1000)
  })
})

it('counts what stood for each variable, most frequent first', () => {
  const found = holeValues('user <*> from <*>', ['user a from x', 'user b from x', 'user a from y', 'another form'])
  expect(found.map(({ told }) => told)).toEqual([3, 3])
  expect(found[0]?.values).toEqual([
    { value: 'a', count: 2 },
    { value: 'b', count: 1 },
  ])
  expect(found[1]?.values[0]).toEqual({ value: 'x', count: 2 })
})

function joined(template: string, message: string): string {
  return marked(template, message)
    .map(({ text }) => text)
    .join('')
}

describe('a marked message', () => {
  it('shows what varies', () => {
    expect(marked('job <*> in <*>', 'job 7 in 3 ms')).toEqual([
      { text: 'job ', varies: false },
      { text: '7', varies: true },
      { text: ' in ', varies: false },
      { text: '3 ms', varies: true },
    ])
  })

  it('is always the whole message', () => {
    const cases = [
      ['took <*> ms', 'took   12\tms'],
      ['key=<*> rest', 'key= rest'],
      ['panic in <*>', 'panic in a b\nmore'],
      ['x <*>', 'unlike'],
    ] as const
    for (const [template, message] of cases) expect(joined(template, message)).toBe(message)
  })
})
