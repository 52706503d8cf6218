//! The pages by path: what their URL may say, and the chunk that each of them is.
import type { ComponentType } from 'react'
import { exploreSearch, overviewSearch, patternsSearch, type ExploreSearch, type OverviewSearch, type PatternsSearch } from '@/lib/search-params'

/** What the URL of each page says. */
export interface Searches {
  '/': OverviewSearch
  '/explore': ExploreSearch
  '/patterns': PatternsSearch
}

export type Path = keyof Searches

type Raw = Record<string, unknown>

interface Route<P extends Path> {
  search: (raw: Raw) => Searches[P]
  load: () => Promise<ComponentType>
}

export const ROUTES: { [P in Path]: Route<P> } = {
  '/': { search: overviewSearch, load: () => import('@/pages/overview').then((page) => page.OverviewPage) },
  '/explore': { search: exploreSearch, load: () => import('@/pages/explore').then((page) => page.ExplorePage) },
  '/patterns': { search: patternsSearch, load: () => import('@/pages/patterns').then((page) => page.PatternsPage) },
}

export function isPath(path: string): path is Path {
  return Object.hasOwn(ROUTES, path)
}
