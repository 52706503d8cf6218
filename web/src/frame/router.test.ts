import { describe, expect, it } from 'vitest'
import { exploreSearch, overviewSearch, patternsSearch } from '@/lib/search-params'
import { Router, type Browser } from './router'
import type { ROUTES } from './routes'

/** A browser's history as far as the router uses it. */
function browser(url: string) {
  const entries = [url]
  let at = 0
  const listeners: (() => void)[] = []
  const fake: Browser = {
    get location() {
      const [pathname = '', search] = (entries[at] ?? '').split('?')
      return { pathname, search: search === undefined ? '' : `?${search}` }
    },
    history: {
      pushState: (_data, _unused, to) => {
        entries.splice(++at, entries.length, to)
      },
      replaceState: (_data, _unused, to) => {
        entries[at] = to
      },
    },
    addEventListener: (_type, listener) => {
      listeners.push(listener)
    },
  }
  return {
    fake,
    entries,
    back: () => {
      at--
      listeners.forEach((listener) => listener())
    },
  }
}

const Overview = () => null
const Explore = () => null

function routes(explore: () => Promise<() => null> = () => Promise.resolve(Explore)): typeof ROUTES {
  return {
    '/': { search: overviewSearch, load: () => Promise.resolve(Overview) },
    '/explore': { search: exploreSearch, load: explore },
    '/patterns': { search: patternsSearch, load: () => Promise.reject(new Error('gone')) },
  }
}

async function started(url: string, given = routes()) {
  const { fake, ...rest } = browser(url)
  const router = new Router(fake, given)
  router.start()
  await settled()
  return { router, ...rest }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

describe('the router', () => {
  it('shows the page of the URL and reads its query', async () => {
    const { router } = await started('/explore?q=a&live=false&page=3')
    expect(router.getShown()).toMatchObject({ state: 'page', path: '/explore', Component: Explore })
    expect(router.search('/explore')).toEqual({ q: 'a', live: false, page: 3 })
    expect((await started('/explore/')).router.getShown()).toMatchObject({ path: '/explore' })
  })

  it('gives the same object as long as the query is the same', async () => {
    const { router } = await started('/explore?q=a')
    const before = router.search('/explore')
    expect(router.search('/explore')).toBe(before)
    router.navigate({ to: '/explore', search: { q: 'b' } })
    expect(router.search('/explore')).toEqual({ q: 'b' })
  })

  it('pushes, replaces, and goes back', async () => {
    const { router, entries, back } = await started('/')
    router.navigate({ to: '/explore', search: { q: 'a' } })
    await settled()
    router.navigate({ to: '/explore', search: (before) => ({ ...before, sel: '0-1@5' }), replace: true })
    expect(entries).toEqual(['/', '/explore?q=a&sel=0-1@5'])
    back()
    await settled()
    expect(router.getShown()).toMatchObject({ path: '/' })
  })

  it('makes no second entry for the same place', async () => {
    const { router, entries } = await started('/explore?q=a')
    router.navigate({ to: '/explore', search: { q: 'a' } })
    expect(entries).toEqual(['/explore?q=a'])
  })

  it('builds changes on each other, though nothing has rendered between', async () => {
    const { router, entries } = await started('/explore')
    router.navigate({ to: '/explore', search: (before) => ({ ...before, q: 'a' }) })
    router.navigate({ to: '/explore', search: (before) => ({ ...before, levels: 'error' }) })
    expect(entries.at(-1)).toBe('/explore?q=a&levels=error')
  })

  it('keeps the page until the next one is loaded, and drops one that nobody waits for', async () => {
    const arrivals: ((page: () => null) => void)[] = []
    const waiting = new Promise<() => null>((done) => arrivals.push(done))
    const { router } = await started('/', routes(() => waiting))
    router.navigate({ to: '/explore' })
    expect(router.getShown()).toMatchObject({ path: '/' })
    router.navigate({ to: '/' })
    arrivals.forEach((arrive) => arrive(Explore))
    await settled()
    expect(router.getShown()).toMatchObject({ path: '/' })
  })

  it('says what it does not know and what failed', async () => {
    expect((await started('/nowhere')).router.getShown()).toEqual({ state: 'unknown' })
    expect((await started('/constructor')).router.getShown()).toEqual({ state: 'unknown' })
    expect((await started('/patterns')).router.getShown()).toMatchObject({ state: 'failed' })
  })
})
