//! The Overview page: what is going on, at one look.
import { navigate, useSearch } from '@/frame/router'
import { TimeRange } from '@/components/TimeRange'
import { Page } from '@/frame/Page'
import { ErrorRateChart, EventsChart, SourcesChart } from './Charts'
import { FirstData } from './FirstData'
import { Insights } from './Insights'
import { LevelPanel } from './LevelPanel'
import { Tiles } from './Tiles'
import { MOST_TOP, TopPatterns } from './TopPatterns'
import { useBefore, useLevels, usePatterns, useSources, useStored, useTopPatterns } from './use-overview'

/** Minutes shown when the URL says nothing. */
const DEFAULT_SINCE = 15

export function OverviewPage() {
  const { since = DEFAULT_SINCE } = useSearch('/')
  const bar = <TimeRange value={{ since }} onChange={(value) => navigate({ to: '/', search: { since: value.since === DEFAULT_SINCE ? undefined : value.since } })} />
  return (
    <Page title="Overview" bar={bar} scroll>
      <div className="mx-auto w-full max-w-[1720px] min-w-0 p-4 max-sm:p-3">
        <Content since={since} />
      </div>
    </Page>
  )
}

function Content({ since }: { since: number }) {
  const levels = useLevels(since)
  const sources = useSources(since)
  const before = useBefore(since)
  const stored = useStored()
  const patterns = usePatterns(since)
  const top = useTopPatterns(since, MOST_TOP)
  if (stored.data?.total === 0) return <FirstData />
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <Tiles since={since} levels={levels} before={before} stored={stored} patterns={patterns} />
      <div className="grid min-w-0 gap-3 lg:grid-cols-[minmax(0,1fr)_minmax(0,20rem)]">
        <div className="flex min-w-0 flex-col gap-3">
          <EventsChart since={since} asked={levels} />
          <div className="grid min-w-0 gap-3 md:grid-cols-2">
            <ErrorRateChart since={since} asked={levels} usual={before?.usual} />
            <SourcesChart since={since} asked={sources} />
            <LevelPanel since={since} asked={levels} />
            <TopPatterns since={since} asked={top} />
          </div>
        </div>
        <div className="relative min-w-0">
          {/* As high as its neighbours and no higher; its list scrolls. */}
          <Insights since={since} asked={patterns} className="lg:absolute lg:inset-0" />
        </div>
      </div>
    </div>
  )
}
