import { describe, expect, it } from 'vitest'
import { condition, fieldOf, gatewayRefusal, suggestions, typedQuery, withCondition, wordAt } from './query-tokens'

describe('what is typed', () => {
  const cases: [typed: string, expected: object][] = [
    ['level:error timeout', { levels: 'error', q: 'timeout' }],
    ['provider level:error -absent', { levels: 'error', q: 'provider -absent' }],
    ['level:warn,error', { levels: 'warn,error' }],
    ['source:payments "card declined"', { source: 'payments', q: '"card declined"' }],
    ['source:"two words" x', { source: 'two words', q: 'x' }],
    [String.raw`source:"a \"b\""`, { source: 'a "b"' }],
    ['pattern:9b1c6f0f4a2d7e31', { pattern: '9b1c6f0f4a2d7e31' }],
    ['  padded   inside ', { q: 'padded   inside' }],
  ]
  it.each(cases)('%s', (typed, expected) => {
    expect(JSON.parse(JSON.stringify(typedQuery(typed, {})))).toEqual(expected)
  })

  const kept = ['-source:payments', 'source:pay*', 'level:>=warn', 'level:nonsense', 'pattern:zz', 'a or level:error', '(level:error x)', '"level:error"', 'source:a source:b']
  it.each(kept)('leaves to the server: %s', (typed) => {
    const { q, levels, pattern } = typedQuery(typed, {})
    expect({ levels, pattern }).toEqual({})
    expect(q).toContain(typed.split(' ').at(-1))
  })

  it('takes filters from text in quotes only where they are tokens', () => {
    expect(typedQuery('"a or b" level:error', {})).toMatchObject({ q: '"a or b"', levels: 'error' })
  })

  it('keeps the filters that stand already', () => {
    expect(typedQuery('x', { levels: 'warn', source: 's', pattern: 'p' })).toEqual({ q: 'x', levels: 'warn', source: 's', pattern: 'p' })
  })
})

describe('conditions', () => {
  it('are quoted where they must be', () => {
    expect(condition('status', '503')).toBe('status:503')
    expect(condition('user.name', 'Ann Lee', true)).toBe('-user.name:"Ann Lee"')
    expect(condition('path', 'C:\\temp "x"')).toBe(String.raw`path:"C:\\temp \"x\""`)
    expect(condition('odd key', 'a*')).toBe('"odd key":"a*"')
  })

  it('are added to all of a query, once', () => {
    expect(withCondition(undefined, 'a:1')).toBe('a:1')
    expect(withCondition('x', 'a:1')).toBe('x a:1')
    expect(withCondition('x or y', 'a:1')).toBe('(x or y) a:1')
    expect(withCondition('(x or y)', 'a:1')).toBe('(x or y) a:1')
    expect(withCondition('(x) or (y)', 'a:1')).toBe('((x) or (y)) a:1')
    expect(withCondition('x a:1', 'a:1')).toBe('x a:1')
  })
})

describe('completion', () => {
  const known = { sources: [{ value: 'payments', count: 3 }, { value: 'two words', count: 1 }], fields: new Map([['status', ['200', '503']], ['user.id', ['u1']]]) }
  const inserts = (word: string) => suggestions(word, known).map(({ insert }) => insert)

  it('offers levels and sources at an empty word', () => {
    expect(inserts('')).toEqual(['level:error', 'level:warn', 'level:info', 'level:debug', 'source:payments', 'source:"two words"'])
  })
  it('finds values without their key', () => expect(inserts('pay')).toEqual(['source:payments']))
  it('keeps a minus', () => expect(inserts('-level:e')).toEqual(['-level:error']))
  it('offers fields, then their values', () => {
    expect(inserts('sta')).toEqual(['status:'])
    expect(inserts('status:')).toEqual(['status:200', 'status:503'])
    expect(inserts('status:5')).toEqual(['status:503'])
  })
  it('prefers what the history tells of a field, with its counts', () => {
    const asked = { field: 'status', values: [{ value: '404', count: 12_000 }, { value: '503', count: 1 }] }
    expect(suggestions('-status:', { ...known, asked })).toEqual([
      { insert: '-status:404', detail: '12K lines' },
      { insert: '-status:503', detail: '1 line' },
    ])
    expect(suggestions('region:', { ...known, asked: { field: 'region', values: [{ value: 'eu west', count: 2 }] } })).toEqual([{ insert: 'region:"eu west"', detail: '2 lines' }])
  })
  it('knows which field a word asks for', () => {
    expect(['status:', '-status:5', 'source:pay', 'sta', 'a.b:c', '"x":y'].map(fieldOf)).toEqual(['status', 'status', null, null, null, null])
  })
  it('replaces the word under the caret', () => {
    expect(wordAt('a level:er b', 9)).toEqual({ start: 2, end: 10, word: 'level:er' })
    expect(wordAt('', 0)).toEqual({ start: 0, end: 0, word: '' })
  })
})

it('reads where the server points', () => {
  expect(gatewayRefusal('q: this bracket is not closed (at character 12)')).toEqual({ message: 'q: this bracket is not closed', at: 12 })
  expect(gatewayRefusal('limit must be an integer')).toEqual({ message: 'limit must be an integer' })
})
