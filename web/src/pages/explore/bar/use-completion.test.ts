import { describe, expect, it } from 'vitest'
import { completed, offered } from './use-completion'
import { recentQueries, rememberQuery } from './recent-queries'

const known = { sources: [{ value: 'payments', count: 1 }] }

describe('completion in the bar', () => {
  it('puts a suggestion where the caret is, and a blank after it', () => {
    expect(completed('foo lev bar', 7, { insert: 'level:error', detail: 'level' })).toEqual({ text: 'foo level:error bar', caret: 16 })
    expect(completed('lev', 3, { insert: 'level:error', detail: 'level' })).toEqual({ text: 'level:error ', caret: 12 })
    expect(completed('sta', 3, { insert: 'status:', detail: 'field' })).toEqual({ text: 'status:', caret: 7 })
  })

  it('offers earlier queries where nothing is typed, newest first and each once', () => {
    for (const query of ['one', 'two', 'one', '  ']) rememberQuery(query)
    expect(recentQueries.get()).toEqual(['one', 'two'])
    expect(offered('', 0, known).slice(0, 3).map(({ insert }) => insert)).toEqual(['one', 'two', 'level:error'])
    expect(offered('pay', 3, known).map(({ insert }) => insert)).toEqual(['source:payments'])
  })

  it('puts an earlier query in place of everything', () => {
    expect(completed('', 0, { insert: 'a b c', detail: 'searched before' })).toEqual({ text: 'a b c', caret: 5 })
  })
})
