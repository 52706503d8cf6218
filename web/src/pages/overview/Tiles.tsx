//! The four figures at the top.
import { useMemo } from 'react'
import type { PatternSummary } from '@/api/types'
import { ago, count, counted, exact, percent, rate, stretch } from '@/lib/format'
import { errorRates } from '@/lib/series'
import { errorChange, massOf, spread, thinned, volumeChange, type Mass } from './figures'
import { perSecond, type Timeline } from './stretch'
import { Tile } from './Tile'
import type { Asked, StoredFigures } from './use-overview'

export interface TilesProps {
  since: number
  levels: Asked<Timeline>
  before: { mass: Mass } | undefined
  stored: Asked<StoredFigures>
  patterns: Asked<{ patterns: PatternSummary[]; total?: number }>
}

const SPARK = 60

function totals({ times, series }: Timeline): number[] {
  return times.map((_, i) => series.reduce((all, { counts }) => all + (counts[i] ?? 0), 0))
}

/** A count that is not whole is no less than this. */
function atLeast(text: string, partial: string | undefined): string {
  return partial === undefined ? text : `≥ ${text}`
}

export function Tiles({ since, levels, before, stored, patterns }: TilesProps) {
  const against = `vs ${stretch(since).replace('minutes', 'min')} before`
  const nowMs = levels.data?.toMs ?? 0
  return (
    <div className="grid min-w-0 grid-cols-2 gap-3 xl:grid-cols-4">
      <Throughput levels={levels} before={before?.mass} against={against} />
      <ErrorRate levels={levels} before={before?.mass} against={against} />
      <Stored stored={stored} nowMs={nowMs} />
      <NewPatterns since={since} patterns={patterns} nowMs={nowMs} />
    </div>
  )
}

interface RateProps {
  levels: Asked<Timeline>
  before: Mass | undefined
  against: string
}

function Throughput({ levels, before, against }: RateProps) {
  const { data } = levels
  const mass = data && massOf(data.series)
  const values = useMemo(() => data && thinned(perSecond(totals(data), data), SPARK), [data])
  const moved = mass && before ? volumeChange(mass.total, before.total) : null
  const seconds = data ? Math.max(1, (data.toMs - data.fromMs) / 1000) : 1
  return (
    <Tile
      label="Throughput"
      value={mass && atLeast(rate(mass.total / seconds), data?.partial)}
      unit="/s"
      below={moved ? `${moved.text} ${against}` : mass && `${counted(mass.total, 'event')} in all`}
      direction={moved?.direction}
      values={values}
      token="info-fill"
      error={levels.error}
      onRetry={levels.retry}
    />
  )
}

function ErrorRate({ levels, before, against }: RateProps) {
  const { data } = levels
  const mass = data && massOf(data.series)
  const values = useMemo(() => data && thinned(errorRates(data).map((one) => one ?? 0), SPARK), [data])
  const moved = mass && before ? errorChange(mass, before) : null
  return (
    <Tile
      label="Error rate"
      value={mass && percent(mass.total === 0 ? 0 : mass.errors / mass.total, 2)}
      below={moved ? `${moved.text} ${against}` : mass && counted(mass.errors, 'error')}
      tone={moved?.tone}
      direction={moved?.direction}
      values={values}
      token="error-fill"
      error={levels.error}
      onRetry={levels.retry}
    />
  )
}

function Stored({ stored, nowMs }: Pick<TilesProps, 'stored'> & { nowMs: number }) {
  const { data } = stored
  return (
    <Tile
      label="Stored events"
      value={data && atLeast(count(data.total), data.partial)}
      below={data && (data.total === 0 ? 'nothing yet' : `oldest ${ago(data.sinceMs, nowMs)}`)}
      values={data?.growth}
      token="c1"
      error={stored.error}
      onRetry={stored.retry}
    />
  )
}

function NewPatterns({ since, patterns, nowMs }: Pick<TilesProps, 'since' | 'patterns'> & { nowMs: number }) {
  const { data } = patterns
  const fresh = data?.patterns.filter(({ isNew }) => isNew)
  const moments = fresh?.map(({ firstSeen }) => Date.parse(firstSeen))
  const newest = moments && moments.length > 0 ? Math.max(...moments) : null
  const errors = fresh?.filter(({ levels }) => levels.error > 0).length ?? 0
  const kinds = data && `of ${exact(data.total ?? data.patterns.length)}`
  return (
    <Tile
      label="New patterns"
      value={fresh && exact(fresh.length)}
      below={newest === null ? `none new ${kinds ?? ''}` : `newest ${ago(newest, nowMs)}${errors > 0 ? ` · ${errors} with errors` : ''}`}
      tone={errors > 0 ? 'bad' : 'neutral'}
      values={moments && spread(moments, nowMs - since * 60_000, nowMs, 30)}
      token="c0"
      error={patterns.error}
      onRetry={patterns.retry}
    />
  )
}
