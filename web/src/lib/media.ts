//! What the window is like, as components read it.
import { useSyncExternalStore } from 'react'

const queries = new Map<string, MediaQueryList>()

function list(query: string): MediaQueryList {
  const found = queries.get(query) ?? matchMedia(query)
  queries.set(query, found)
  return found
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      list(query).addEventListener('change', changed)
      return () => list(query).removeEventListener('change', changed)
    },
    () => list(query).matches,
  )
}

export const PHONE = '(max-width: 639px)'
export const NARROW = '(max-width: 1099px)'
