//! One pattern in full, beside the list; on a phone in its place.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@/frame/Link'
import { navigate } from '@/frame/router'
import { ArrowLeft, Filter, FilterX, X } from 'lucide-react'
import { useEffect, useRef, type ReactNode } from 'react'
import { histogramQuery, patternQuery, recentQuery, type Told } from '@/api/queries'
import type { PatternDetail as Detail } from '@/api/types'
import { NotWhole } from '@/components/NotWhole'
import { BarList, Chart, type BarItem, LevelMix, levelMixText, levelSeries, NewBadge, PanelFailure } from '@/components/charts'
import { InsightBox } from '@/components/insight/InsightBox'
import { buttonClass, IconButton } from '@/components/ui/button'
import { CopyButton } from '@/components/ui/copy'
import { SkeletonLines } from '@/components/ui/skeleton'
import { Failure } from '@/components/ui/states'
import { ago, dateTime, exact, percent, stretch } from '@/lib/format'
import { plain } from '@/lib/hostile'
import type { Filters } from '@/lib/search-params'
import { Examples } from './Examples'
import { without } from './explore-links'
import { changeText, type PatternLine } from './order'
import { Values } from './Values'

/** So many of the newest lines tell the values of variables. */
const TOLD_BY = 200
/** An hour has one for each minute, wherever in a minute it begins. */
const COURSE_BUCKETS = 75
/** Sources with a bar of their own. */
const MOST_SOURCES = 10

export interface PatternDetailProps {
  id: string
  /** Its line in the list, when it is there: known at once. */
  line: PatternLine | undefined
  filters: Filters
  nowMs: number
  onClose(): void
}

export function PatternDetail({ id, line, filters, nowMs, onClose }: PatternDetailProps) {
  const { data, error, refetch } = useQuery({ ...patternQuery(id, filters), staleTime: 15_000 })
  const box = useRef<HTMLElement>(null)
  useEffect(() => {
    // Where the list gives way to it, the focus would else be on a row that isn't seen any more.
    if (box.current && matchMedia('(max-width: 1023px)').matches) box.current.focus()
  }, [])
  return (
    <section
      ref={box}
      tabIndex={-1}
      aria-label="Pattern"
      className="flex min-h-0 min-w-0 flex-col border-l border-line bg-surface outline-none max-lg:flex-1 max-lg:border-l-0 lg:w-[27rem] lg:shrink-0 xl:w-[30rem]"
    >
      <header className="flex h-11 shrink-0 items-center gap-2 border-b border-line px-3">
        <IconButton label="Back to the list" className="lg:hidden" small onClick={onClose}>
          <ArrowLeft aria-hidden className="size-4" />
        </IconButton>
        <PatternId id={data?.id ?? id} />
        {line?.isNew && <NewBadge />}
        <IconButton label="Close" shortcut="Esc" small className="ml-auto max-lg:hidden" onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col gap-5 overflow-x-hidden overflow-y-auto p-4">
        {error && !data && <Failure error={error} onRetry={() => void refetch()} title="This pattern could not be read" />}
        {!error && !data && <SkeletonLines lines={8} />}
        {data && <Body key={data.id} detail={data} line={line} filters={filters} nowMs={nowMs} />}
      </div>
    </section>
  )
}

function PatternId({ id }: { id: string }) {
  return (
    <span className="flex items-center gap-1 font-mono text-xs text-muted">
      {id}
      <CopyButton label="Copy the id" text={() => id} />
    </span>
  )
}

interface BodyProps {
  detail: Told<Detail>
  line: PatternLine | undefined
  filters: Filters
  nowMs: number
}

function Body({ detail, line, filters, nowMs }: BodyProps) {
  const recent = useQuery({ ...recentQuery({ ...filters, pattern: detail.id }, { limit: TOLD_BY, offset: 0 }), staleTime: 15_000 })
  const messages = (recent.data?.rows ?? detail.examples).map(({ message }) => message)
  return (
    <>
      <NotWhole why={detail.partial} className="shrink-0 text-xs" />
      <Values template={detail.template} messages={messages} />
      <Ways id={detail.id} filters={filters} />
      <Figures detail={detail} line={line} nowMs={nowMs} />
      <InsightBox insight={detail.insight} />
      <Trend id={detail.id} filters={filters} />
      <Sources detail={detail} filters={filters} />
      <Part title="Newest lines">
        <Examples rows={detail.examples} template={detail.template} pattern={detail.id} filters={filters} nowMs={nowMs} />
      </Part>
      <Aliases ids={detail.aliases} />
    </>
  )
}

function Ways({ id, filters }: { id: string; filters: Filters }) {
  return (
    <div className="flex flex-wrap gap-2">
      <Link to="/explore" search={{ ...filters, pattern: id }} className={buttonClass('solid', true)}>
        <Filter aria-hidden className="size-3.5" /> Show its lines
      </Link>
      <Link to="/explore" search={without(filters, id)} className={buttonClass('plain', true)}>
        <FilterX aria-hidden className="size-3.5" /> Explore without it
      </Link>
    </div>
  )
}

function Sources({ detail, filters }: { detail: Detail; filters: Filters }) {
  const named = detail.sources.slice(0, MOST_SOURCES)
  const others = detail.sources.slice(MOST_SOURCES)
  const items: BarItem[] = named.map(({ value, count }) => ({
    key: value,
    name: (
      <Link to="/explore" search={{ ...filters, pattern: detail.id, source: value }} className="hover:underline" title={plain(value, 256)}>
        {plain(value, 64)}
      </Link>
    ),
    value: count,
    token: 'c0',
  }))
  if (others.length > 0) {
    items.push({ key: ' others', name: `${exact(others.length)} others`, value: others.reduce((sum, { count }) => sum + count, 0), token: 'c7' })
  }
  return (
    <Part title="Sources">
      <BarList label="Lines by source" nameWidth="w-32" total={Math.max(detail.count, 1)} items={items} />
    </Part>
  )
}

function Aliases({ ids }: { ids: readonly string[] }) {
  if (ids.length === 0) return null
  return (
    <Part title="Also known as">
      <p className="text-xs text-muted">Ids that once stood for the same pattern; they lead here for ever.</p>
      <ul className="mt-1 flex flex-wrap gap-x-3 font-mono text-xs text-muted">
        {ids.map((id) => (
          <li key={id}>{id}</li>
        ))}
      </ul>
    </Part>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <h2 className="mb-2 text-[13px] font-semibold text-ink">{title}</h2>
      {children}
    </section>
  )
}

function Figures({ detail, line, nowMs }: Omit<BodyProps, 'filters'>) {
  const seen = (when: string | null): [string, string] => (when === null ? ['–', ''] : [ago(Date.parse(when), nowMs), dateTime(Date.parse(when))])
  const before = line?.before ?? null
  const figures: [name: string, value: string, below: string][] = [
    ['Lines', exact(detail.count), line ? `${percent(line.share, 2)} of all` : ''],
    ['Change', line ? changeText(line) : '–', before === null ? '' : `${exact(before)} before`],
    ['Sources', exact(detail.sources.length), ''],
    ['First seen', ...seen(detail.firstSeen)],
    ['Last seen', ...seen(detail.lastSeen)],
  ]
  return (
    <div>
      <dl className="grid grid-cols-3 gap-x-3 gap-y-3">
        {figures.map(([name, value, below]) => (
          <div key={name} className="min-w-0">
            <dt className="text-xs text-muted">{name}</dt>
            <dd className="nums truncate text-[15px] font-semibold text-ink">{value}</dd>
            {below !== '' && <dd className="nums text-xs text-muted">{below}</dd>}
          </div>
        ))}
      </dl>
      <LevelMix levels={detail.levels} className="mt-3" />
      <p aria-hidden="true" className="mt-1 text-xs text-muted">
        {levelMixText(detail.levels)}
      </p>
    </div>
  )
}

function Trend({ id, filters }: { id: string; filters: Filters }) {
  const { data, error, refetch } = useQuery({ ...histogramQuery({ ...filters, pattern: id }, { by: 'level', buckets: COURSE_BUCKETS }), placeholderData: undefined })
  const start = data ? Date.parse(data.from) : 0
  const times = Array.from({ length: data?.series[0]?.counts.length ?? 0 }, (_, i) => start + i * (data?.bucketMs ?? 0))
  const series = data ? levelSeries({ times, stepMs: data.bucketMs, series: data.series }).filter(({ values }) => Array.from(values).some(Boolean)) : []
  return (
    <Chart
      kind="stack"
      label="Trend"
      note={`${filters.since === undefined ? 'lines' : `last ${stretch(filters.since)}`}, by level · drag to open`}
      times={times}
      stepMs={data?.bucketMs}
      series={series}
      height={116}
      loading={!data && !error}
      overlay={error && !data ? <PanelFailure error={error} retry={() => void refetch()} /> : undefined}
      onZoom={(from, to) => navigate({ to: '/explore', search: { ...filters, since: undefined, pattern: id, from, to, live: false } })}
    />
  )
}
