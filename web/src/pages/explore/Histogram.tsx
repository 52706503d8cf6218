//! Matching events over time; a drag zooms in.
import { useQuery } from '@tanstack/react-query'
import { memo } from 'react'
import { refused } from '@/api/client'
import { histogramQuery } from '@/api/queries'
import { NotWhole } from '@/components/NotWhole'
import { ChartCard, levelSeries } from '@/components/charts'
import { Button } from '@/components/ui/button'
import { reason } from '@/components/ui/states'
import { extend, Seconds } from '@/lib/series'
import { parseLevels, type Filters } from '@/lib/search-params'
import { rangeLabel } from '@/lib/time-range'
import { live } from '@/live/live'
import { useSignal } from '@/live/signal'

/** Shown while live where no time was chosen. */
const LIVE_MINUTES = 15
const NONE = new Seconds()

export interface HistogramProps {
  filters: Filters
  following: boolean
  anchor: number
  phone: boolean
  /** Nothing is asked yet. */
  wait: boolean
  onZoom(from: number, to: number): void
  onZoomReset(): void
}

function unfiltered({ q, levels, source, pattern }: Filters): boolean {
  return q === undefined && levels === undefined && source === undefined && pattern === undefined
}

export const Histogram = memo(function Histogram({ filters, following, anchor, phone, wait, onZoom, onZoomReset }: HistogramProps) {
  const timed = filters.since !== undefined || filters.from !== undefined
  const asked = following && !timed ? { ...filters, since: LIVE_MINUTES } : filters
  // The stream counts all events each second; under filters the server is asked instead.
  const moving = following && unfiltered(filters)
  const histogram = useQuery({
    ...histogramQuery(asked, { buckets: phone ? 60 : 150 }, anchor),
    enabled: !wait,
    refetchInterval: following ? (moving ? 30_000 : 5000) : false,
  })
  const second = useSignal(live.secondsChanged)
  const { data } = histogram
  const shown: readonly string[] = parseLevels(filters.levels)
  const buckets = data && (extend(data, moving && second >= 0 ? live.seconds : NONE, 'level', Number.POSITIVE_INFINITY))
  return (
    <ChartCard
      className="shrink-0"
      kind="stack"
      label="Events over time, by level"
      title="Events"
      note={data?.partial === undefined ? `${rangeLabel(asked)} · drag to zoom` : <NotWhole why={data.partial} />}
      times={buckets?.times ?? []}
      stepMs={buckets?.stepMs}
      series={buckets ? levelSeries(buckets).filter(({ key }) => shown.length === 0 || shown.includes(key)) : []}
      height={phone ? 84 : 104}
      loading={histogram.isPending}
      overlay={histogram.isError && !data ? <Failed error={histogram.error} onRetry={() => void histogram.refetch()} /> : undefined}
      onZoom={onZoom}
      onZoomReset={onZoomReset}
    />
  )
})

function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  if (refused(error)) return null
  return (
    <span role="alert" className="flex items-center gap-2">
      {reason(error)}
      <Button small onClick={onRetry}>
        Try again
      </Button>
    </span>
  )
}
