//! The patterns that most lines have, each with its course; a click shows it in full.
import { Link } from '@/frame/Link'
import { memo } from 'react'
import type { PatternSummary } from '@/api/types'
import { NotWhole } from '@/components/NotWhole'
import { NewBadge, Panel, PanelFailure, PanelMessage, PatternTrend, Template } from '@/components/charts'
import { Skeleton } from '@/components/ui/skeleton'
import { count, exact, percent } from '@/lib/format'
import type { Asked } from './use-overview'

export const MOST_TOP = 6

/** As high as a pattern will be. */
function Waiting({ wide }: { wide: number }) {
  return (
    <div className="flex h-7 items-center px-2">
      <Skeleton className={['h-3 w-5/6', 'h-3 w-2/3', 'h-3 w-3/4'][wide]} />
    </div>
  )
}

export interface TopPatternsProps {
  since: number
  /** The most frequent ones, with their courses. */
  asked: Asked<{ patterns: PatternSummary[]; total?: number; partial?: string }>
}

export const TopPatterns = memo(function TopPatterns({ since, asked }: TopPatternsProps) {
  const { data, error, retry } = asked
  const top = data?.patterns
  return (
    <Panel
      title="Top patterns"
      remark={data && (data.partial === undefined ? `of ${exact(data.total ?? data.patterns.length)}` : <NotWhole why={data.partial} />)}
      actions={
        <Link to="/patterns" search={{ since }} className="rounded-md px-1.5 py-0.5 text-xs text-muted hover:bg-hover hover:text-ink">
          All<span className="sr-only"> patterns</span>
        </Link>
      }
    >
      <div className="min-h-46 px-2 pt-1 pb-3">
        {top === undefined && (error ? <PanelFailure error={error} retry={retry} className="h-36" /> : Array.from({ length: MOST_TOP }, (_, i) => <Waiting key={i} wide={i % 3} />))}
        {top?.length === 0 && <PanelMessage title="No patterns in this range" className="h-36">Each line gets a pattern as it arrives.</PanelMessage>}
        {top && top.length > 0 && (
          <ol className="flex min-w-0 flex-col">
            {top.map((pattern) => (
              <li key={pattern.id} className="min-w-0">
                <Link to="/patterns" search={{ since, sel: pattern.id }} className="flex h-7 min-w-0 items-center gap-3 rounded-md px-2 hover:bg-hover">
                  <span className="flex min-w-0 flex-1 items-center gap-2">
                    <span className="min-w-0 truncate">
                      <Template text={pattern.template} />
                    </span>
                    {pattern.isNew && <NewBadge />}
                  </span>
                  <PatternTrend counts={pattern.trend} open levels={pattern.levels} className="w-18 shrink-0" />
                  <span className="nums w-11 shrink-0 text-right text-xs text-muted" title={`${exact(pattern.count)} events, ${percent(pattern.share)} of all`}>
                    {count(pattern.count)}
                  </span>
                </Link>
              </li>
            ))}
          </ol>
        )}
      </div>
    </Panel>
  )
})
