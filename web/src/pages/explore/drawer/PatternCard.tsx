//! The pattern of a line: its template, its course, and what is known about it.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@/frame/Link'
import { patternQuery } from '@/api/queries'
import { mainLevelToken, Sparkline, Template, withoutCutEnds } from '@/components/charts'
import { InsightBox } from '@/components/insight/InsightBox'
import { Skeleton } from '@/components/ui/skeleton'
import { Failure } from '@/components/ui/states'
import { ago, exact } from '@/lib/format'
import type { Filters } from '@/lib/search-params'
import { rangeLabel } from '@/lib/time-range'
import { insightKey, type TableRow } from '@/live/rows'
import { live } from '@/live/live'
import type { ExploreActions } from '../use-explore'

/** Range of the trend where the view has none. */
const USUAL_MINUTES = 60

export function PatternCard({ row, filters, actions }: { row: TableRow; filters: Filters; actions: ExploreActions }) {
  const { from, to, since = from === undefined ? USUAL_MINUTES : undefined } = filters
  const range = { from, to, since }
  const pattern = useQuery(patternQuery(row.patternId, range))
  const { data } = pattern
  const insight = data?.insight ?? live.insights.get(insightKey(row.patternId, row.level))
  return (
    <>
      {insight ? <InsightBox insight={insight} /> : pattern.isPending && <Skeleton className="h-19" />}
      <section aria-label="Pattern">
        <h2 className="mb-1.5 flex items-center gap-2 text-xs font-semibold text-subtle">
          Pattern
          <span className="ml-auto font-normal">{rangeLabel(range)}</span>
        </h2>
        {pattern.isPending && <Skeleton className="h-22" />}
        {pattern.isError && <Failure error={pattern.error} title="The pattern is not there" onRetry={() => void pattern.refetch()} className="py-3!" />}
        {data && (
          <div className="rounded-lg border border-line px-3 py-2.5">
            <Template text={data.template} className="line-clamp-4 break-words" />
            <Sparkline values={range.from === undefined ? withoutCutEnds(data.trend) : data.trend} token={mainLevelToken(data.levels)} className="mt-2 h-8 w-full" />
            <p className="nums mt-1.5 text-xs text-muted">
              {exact(data.count)} events · <span>{data.firstSeen === null ? 'none is stored any more' : `first seen ${ago(Date.parse(data.firstSeen), pattern.dataUpdatedAt)}`}</span>
            </p>
            <div className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1 text-xs">
              <button type="button" className="font-medium text-accent hover:underline" onClick={() => actions.only('pattern', data.id)}>
                Only these lines
              </button>
              <Link to="/patterns" search={{ sel: data.id, since: range.since, from, to }} className="font-medium text-accent hover:underline">
                Open the pattern
              </Link>
            </div>
          </div>
        )}
      </section>
    </>
  )
}
