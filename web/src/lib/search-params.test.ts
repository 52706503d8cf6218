import { describe, expect, it } from 'vitest'
import { exploreSearch, formatQuery, overviewSearch, parseQuery, patternsSearch } from './search-params'

const explore = (query: string) => exploreSearch(parseQuery(query))

describe('the URL of Explore', () => {
  it('comes back as it was written', () => {
    const search = explore('?q="card declined" -source:a&levels=warn,error&source=pay ments&since=60&live=false&sel=0-12@1700000000000&cols=time,context.user.id&view=compact,wrap&page=3')
    expect(search).toEqual({
      q: '"card declined" -source:a',
      levels: 'warn,error',
      source: 'pay ments',
      since: 60,
      live: false,
      sel: '0-12@1700000000000',
      cols: 'time,context.user.id',
      view: 'compact,wrap',
      page: 3,
    })
    expect(explore(formatQuery({ ...search }))).toEqual(search)
  })

  it('falls back where it cannot be read', () => {
    expect(explore('?levels=loud&since=-5&from=9&to=3&pattern=xyz&sel=what&view=odd&page=0&live=maybe&nonsense=1')).toEqual({})
    expect(explore('?since=1e99&page=abc&cols=,,')).toEqual({})
    expect(explore(`?q=${'x'.repeat(5000)}`)).toEqual({})
  })

  it('is history where a range is given, and knows pages there alone', () => {
    expect(explore('?from=1000&to=2000&since=5&page=2')).toEqual({ from: 1000, to: 2000, live: false, page: 2 })
    expect(explore('?page=2')).toEqual({})
  })

  it('says nothing for all levels', () => {
    expect(explore('?levels=debug,info,warn,error')).toEqual({})
    expect(explore('?levels=error,debug')).toEqual({ levels: 'debug,error' })
  })

  it('keeps text that looks like another type', () => {
    expect(explore('?q=123&source=true')).toEqual({ q: '123', source: 'true' })
  })
})

it('reads the other pages', () => {
  expect(overviewSearch(parseQuery('?since=15&q=x'))).toEqual({ since: 15 })
  expect(patternsSearch(parseQuery('?levels=error&sel=9b1c6f0f4a2d7e31&page=2'))).toMatchObject({ levels: 'error', sel: '9b1c6f0f4a2d7e31', page: 2 })
})

it('writes what reads well', () => {
  expect(formatQuery({ levels: 'warn,error', q: 'a:b', page: undefined })).toBe('?levels=warn,error&q=a:b')
  expect(formatQuery({})).toBe('')
})
