//! Rows of the stream: followed under the filters of the view, frozen while someone reads.
import { useEffect, useMemo } from 'react'
import { fetchRecent } from '@/api/queries'
import { parseLevels, type Filters } from '@/lib/search-params'
import { filterKey } from '@/lib/time-range'
import { live } from '@/live/live'
import type { Ring } from '@/live/ring'
import { useSignal } from '@/live/signal'
import { listSource, type RowSource } from './source'

export interface LiveRows {
  source: RowSource
  /** What is seen stays; `unseen` events wait above. */
  frozen: boolean
  unseen: number
  /** Rows of the filters before, until the first new ones are there. */
  stale: boolean
}

/** A full ring loses its oldest rows with every batch: a frozen view takes note in steps, and stands still between. */
const STEP = 5000

function bottomOf(ring: Ring): number {
  const full = ring.held !== null && ring.size >= ring.capacity
  return full ? Math.ceil(ring.first / STEP) * STEP : ring.first
}

export function ringSource(ring: Ring, stamp: string): RowSource {
  const top = ring.held?.top ?? ring.next
  return {
    stamp,
    count: Math.max(0, top - bottomOf(ring)),
    get: (index) => ring.get(top - 1 - index),
    indexOf: (seq) => {
      const at = ring.find(seq)
      return at === undefined || at >= top ? undefined : top - 1 - at
    },
  }
}

/** Follows the stream while `active`. */
export function useFollow(filters: Filters, active: boolean): void {
  const key = active ? filterKey(filters) : null
  useEffect(() => {
    if (key === null) {
      live.follow(null)
      return
    }
    const levels = parseLevels(filters.levels)
    live.follow({
      filters: { q: filters.q, source: filters.source, pattern: filters.pattern, ...(levels.length > 0 && { levels }) },
      anchor: async (signal) => (await fetchRecent({}, { limit: 0, offset: 0 }, signal)).until,
      stored: (page, signal) => fetchRecent(filters, page, signal),
    })
    // oxlint-disable-next-line react/exhaustive-effect-dependencies, react/exhaustive-deps -- the key says all that the filters say
  }, [key])
  useEffect(() => () => live.follow(null), [])
}

export function useLiveRows(): LiveRows {
  const version = useSignal(live.rowsChanged)
  const { ring, before, backfill } = live
  const frozen = ring.held !== null
  const stale = ring.size === 0 && backfill.state === 'loading' && before.length > 0
  // While frozen only the ends can change.
  const stamp = stale ? `before ${live.epochNumber}` : frozen ? `${live.epochNumber} ${ring.held?.top} ${bottomOf(ring)}` : String(version)
  const source = useMemo(() => (stale ? listSource(before, stamp) : ringSource(ring, stamp)), [stamp, stale, before, ring])
  const unseen = ring.held === null ? 0 : ring.next - ring.held.top + ring.heldBack
  return { source, frozen, unseen, stale }
}
