//! Where the page is: the path and what its query says, from the browser's history and back into it.
//!
//! Own code for three paths without parameters: the router of the stack weighs 22 kB gzipped of the 150 kB that a first load may have.
import { useSyncExternalStore, type ComponentType } from 'react'
import { formatQuery, parseQuery } from '@/lib/search-params'
import { isPath, ROUTES, type Path, type Searches } from './routes'

export interface Place {
  /** Null: there is no such page. */
  path: Path | null
  /** The query as it stands in the URL, with its `?`. */
  query: string
}

/** What is shown: a page that has been loaded, or why there is none. */
export type Shown = { state: 'loading' } | { state: 'page'; path: Path; Component: ComponentType } | { state: 'unknown' } | { state: 'failed'; error: unknown }

export interface Target<P extends Path> {
  to: P
  search?: Searches[P] | ((before: Searches[P]) => Searches[P])
  /** Takes the place of the current entry of the history. */
  replace?: boolean
}

/** The part of the browser that is used here. */
export interface Browser {
  readonly location: { pathname: string; search: string }
  readonly history: { pushState(data: null, unused: '', url: string): void; replaceState(data: null, unused: '', url: string): void }
  addEventListener(type: 'popstate', listener: () => void): void
}

function placeOf({ pathname, search }: Browser['location']): Place {
  const path = pathname.length > 1 && pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  return { path: isPath(path) ? path : null, query: search }
}

export class Router {
  private place: Place
  private shown: Shown = { state: 'loading' }
  private readonly loaded = new Map<Path, ComponentType>()
  private readonly searches = new Map<Path, { query: string; search: Searches[Path] }>()
  private readonly listeners = new Set<() => void>()

  constructor(
    private readonly browser: Browser,
    private readonly routes: typeof ROUTES = ROUTES,
  ) {
    this.place = placeOf(browser.location)
  }

  /** Shows the page of the URL, from now on. */
  start(): void {
    this.browser.addEventListener('popstate', () => void this.arrive())
    void this.arrive()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly getShown = (): Shown => this.shown

  /** The query of the page that is shown. */
  get query(): string {
    return this.place.query
  }

  /** What the URL of a page says: now, or when it was last there. The same object as long as it says the same. */
  search<P extends Path>(path: P): Searches[P] {
    const held = this.searches.get(path)
    const query = this.place.path === path ? this.place.query : (held?.query ?? '')
    if (held?.query === query) return held.search as Searches[P]
    const search = this.routes[path].search(parseQuery(query))
    this.searches.set(path, { query, search })
    return search
  }

  href<P extends Path>(to: P, search?: Target<P>['search']): string {
    const wanted = typeof search === 'function' ? search(this.routes[to].search(parseQuery(this.queryOf(to)))) : search
    return to + formatQuery({ ...wanted })
  }

  navigate<P extends Path>({ to, search, replace = false }: Target<P>): void {
    const url = this.href(to, search)
    const same = url === this.browser.location.pathname + this.browser.location.search
    if (replace || same) this.browser.history.replaceState(null, '', url)
    else this.browser.history.pushState(null, '', url)
    void this.arrive()
  }

  /** The query that the URL has for a page right now: several changes in one go build on each other. */
  private queryOf(path: Path): string {
    const { path: here, query } = placeOf(this.browser.location)
    return here === path ? query : ''
  }

  /** Loads a page's chunk ahead of need. */
  preload(path: Path): void {
    void this.load(path).catch(() => undefined)
  }

  private async load(path: Path): Promise<ComponentType> {
    const found = this.loaded.get(path) ?? (await this.routes[path].load())
    this.loaded.set(path, found)
    return found
  }

  /** Shows where the browser is; the page before stays until the chunk of the next one is there. */
  private async arrive(): Promise<void> {
    const place = placeOf(this.browser.location)
    const { path } = place
    if (path === null) return this.show(place, { state: 'unknown' })
    const ready = this.loaded.get(path)
    if (ready) return this.show(place, { state: 'page', path, Component: ready })
    try {
      const Component = await this.load(path)
      // Someone may have gone on meanwhile.
      if (placeOf(this.browser.location).path === path) this.show(placeOf(this.browser.location), { state: 'page', path, Component })
    } catch (error) {
      this.show(place, { state: 'failed', error })
    }
  }

  private show(place: Place, shown: Shown): void {
    this.place = place
    const same = shown.state === 'page' && this.shown.state === 'page' && shown.Component === this.shown.Component
    if (!same) this.shown = shown
    for (const listener of this.listeners) listener()
  }
}

export const router = new Router(window)

export function useShown(): Shown {
  return useSyncExternalStore(router.subscribe, router.getShown)
}

export function useSearch<P extends Path>(path: P): Searches[P] {
  return useSyncExternalStore(router.subscribe, () => router.search(path))
}

/** Goes to a place. */
export function navigate<P extends Path>(target: Target<P>): void {
  router.navigate(target)
}
