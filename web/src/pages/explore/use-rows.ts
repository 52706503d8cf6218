//! The rows that the view shows, live or stored, and the way to the newest of them.
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { refused } from '@/api/client'
import { facetsQuery } from '@/api/queries'
import { gatewayRefusal } from '@/lib/query-tokens'
import { parseLevels, type ExploreSearch, type Filters } from '@/lib/search-params'
import { filterKey } from '@/lib/time-range'
import { live } from '@/live/live'
import { useHistoryRows } from './rows/history'
import { useFollow, useLiveRows } from './rows/live'

const FACETS_MS = 10_000

export function filtersOf({ q, levels, source, pattern, since, from, to }: ExploreSearch): Filters {
  return { q, levels, source, pattern, since, from, to }
}

/** How many stored lines match: the counts by level, of the levels that are shown. Asked by the facets too, so it costs nothing. */
function useMatching(filters: Filters, anchor: number, active: boolean, wait: boolean): number | undefined {
  const { data } = useQuery({ ...facetsQuery({ ...filters, levels: undefined }, 'level', 4, anchor), enabled: !wait, refetchInterval: active ? FACETS_MS : false })
  const shown: readonly string[] = parseLevels(filters.levels)
  return data?.fields.level?.reduce((sum, { value, count }) => (shown.length === 0 || shown.includes(value) ? sum + count : sum), 0)
}

export function useRows(search: ExploreSearch) {
  const [anchor, setAnchor] = useState(0)
  const isLive = search.live !== false
  const filters = useMemo(() => filtersOf(search), [search])
  useFollow(filters, isLive)
  const liveRows = useLiveRows()
  const history = useHistoryRows(filters, anchor, !isLive)
  // A query reads text. Its first answer leaves behind which rows match, so that counts asked for after it cost next to nothing.
  const unanswered = isLive ? liveRows.stale || (liveRows.source.count === 0 && live.backfill.state === 'loading') : history.stale || history.loading
  const wait = filters.q !== undefined && unanswered
  const matching = useMatching(filters, anchor, isLive, wait)
  const liveRefused = live.refused !== null ? gatewayRefusal(live.refused) : (live.backfill.state === 'failed' ? refused(live.backfill.error) : null)
  return {
    filters,
    isLive,
    anchor,
    liveRows,
    history,
    source: isLive ? liveRows.source : history.source,
    /** Rows of the filters before: to look at, not to act on. */
    stale: isLive ? liveRows.stale : history.stale,
    matching: isLive ? matching : history.total,
    refused: isLive ? liveRefused : refused(history.error),
    /** Differs when the rows are another list. */
    listKey: `${isLive ? `live ${live.epochNumber}` : `history ${anchor}`} ${filterKey(filters)}`,
    /** Counts are asked for once the rows are there. */
    wait,
    facetsRefresh: isLive ? FACETS_MS : (false as const),
    /** Follows again, or reads the history anew up to now. */
    toLatest: () => (isLive ? live.release() : setAnchor((before) => before + 1)),
  }
}

export type Rows = ReturnType<typeof useRows>
