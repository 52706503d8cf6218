//! Ways from a pattern into Explore.
import type { ExploreSearch, Filters } from '@/lib/search-params'

/** Everything but the lines of one pattern, under the same filters. */
export function without(filters: Filters, id: string): ExploreSearch {
  const term = `-pattern:${id}`
  return { ...filters, pattern: undefined, q: filters.q === undefined ? term : `${filters.q} ${term}` }
}
