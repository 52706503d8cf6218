//! The charts over time: how much came by level, how much of it was errors, and from where.
import { navigate } from '@/frame/router'
import { useCallback, useMemo, useState, type ReactNode } from 'react'
import { NotWhole } from '@/components/NotWhole'
import { ChartCard, levelSeries, PanelFailure, PanelMessage, type Band, type ChartSeries } from '@/components/charts'
import { reason } from '@/components/ui/states'
import { percent, stretch } from '@/lib/format'
import { errorRates, OTHER, sum, topSeries } from '@/lib/series'
import { ColourBook, OTHER_TOKEN } from './source-colours'
import { perSecond, type Timeline } from './stretch'
import type { Asked } from './use-overview'

export interface OverTimeProps {
  since: number
  asked: Asked<Timeline>
}

/** Why a chart shows nothing; undefined when it shows something. */
function overlayOf({ asked, since }: OverTimeProps): ReactNode {
  const { data, error, retry } = asked
  if (data === undefined) return error ? <PanelFailure error={error} retry={retry} /> : undefined
  if (data.series.some(({ counts }) => sum(counts) > 0)) return undefined
  return <PanelMessage title={`No events in the last ${stretch(since)}`}>Choose a longer range, or wait: new ones show within a second.</PanelMessage>
}

/** A chart that could not be asked again keeps what it showed, and says so. */
function noteOf(note: string, { data, error }: Asked<Timeline>): ReactNode {
  if (data?.partial !== undefined) return <NotWhole why={data.partial} />
  if (!error || data === undefined) return note
  return (
    <span className="text-caution" title={reason(error)}>
      not up to date: {reason(error)}
    </span>
  )
}

/** Dragging over a chart of the overview opens that stretch in Explore. */
function useZoom(): (from: number, to: number) => void {
  return useCallback((from, to) => navigate({ to: '/explore', search: { from, to, live: false } }), [])
}

const NO_TIMES: number[] = []
const NO_SERIES: ChartSeries[] = []

function common({ asked, since }: OverTimeProps, note: string) {
  const { data, error } = asked
  return {
    times: data?.times ?? NO_TIMES,
    stepMs: data?.stepMs ?? 1000,
    loading: data === undefined && !error,
    overlay: overlayOf({ asked, since }),
    note: noteOf(note, asked),
  }
}

function levelRates(data: Timeline): ChartSeries[] {
  return levelSeries(data).map((one) => ({ ...one, values: perSecond(Array.from(one.values, (n) => n ?? 0), data) }))
}

function errorSeries(data: Timeline): ChartSeries[] {
  return [{ key: 'error rate', token: 'error-fill', values: errorRates(data) }]
}

export function EventsChart(props: OverTimeProps & { className?: string }) {
  const { data } = props.asked
  const onZoom = useZoom()
  const series = useMemo(() => (data ? levelRates(data) : NO_SERIES), [data])
  return (
    <ChartCard
      {...common(props, 'per second, by level · drag to open a stretch')}
      kind="stack"
      unit="rate"
      label="Events over time"
      series={series}
      height={152}
      onZoom={onZoom}
      className={props.className}
    />
  )
}

/** In words what the wash behind the line is. */
export function bandOf(usual: { low: number; high: number } | null | undefined): Band | undefined {
  return usual ? { ...usual, label: `Usual: ${percent(usual.low)} – ${percent(usual.high)}` } : undefined
}

export function ErrorRateChart(props: OverTimeProps & { usual: { low: number; high: number } | null | undefined }) {
  const { data } = props.asked
  const { usual } = props
  const onZoom = useZoom()
  const series = useMemo(() => (data ? errorSeries(data) : NO_SERIES), [data])
  const band = useMemo(() => bandOf(usual), [usual])
  return (
    <ChartCard
      {...common(props, band ? `errors of all · ${band.label.toLowerCase()}` : 'errors of all')}
      kind="line"
      unit="percent"
      label="Error rate"
      series={series}
      band={band}
      height={156}
      onZoom={onZoom}
    />
  )
}

const MOST_SOURCES = 7

function sourceSeries(data: Timeline, book: ColourBook): ChartSeries[] {
  const top = topSeries(data.series, data.series.length > MOST_SOURCES + 1 ? MOST_SOURCES : MOST_SOURCES + 1)
  const sorted = top.toSorted((a, b) => Number(a.key === OTHER) - Number(b.key === OTHER) || a.key.localeCompare(b.key))
  const colours = book.of(sorted.map(({ key }) => key).filter((key) => key !== OTHER))
  return sorted.map(({ key, counts }) => ({ key, token: colours.get(key) ?? OTHER_TOKEN, values: perSecond(counts, data) }))
}

export function SourcesChart(props: OverTimeProps) {
  const { data } = props.asked
  const [book] = useState(() => new ColourBook())
  const series = useMemo(() => (data ? sourceSeries(data, book) : NO_SERIES), [data, book])
  const onZoom = useZoom()
  return (
    <ChartCard {...common(props, 'events per second')} kind="line" unit="rate" label="Throughput by source" series={series} height={112} legendLines={3} onZoom={onZoom} />
  )
}
