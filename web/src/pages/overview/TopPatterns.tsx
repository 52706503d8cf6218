//! The patterns that most lines have, each with its course; a click shows it in full.
import { Link } from '@/frame/Link'
import { memo } from 'react'
import type { PatternSummary } from '@/api/types'
import { mainLevelToken, NewBadge, Panel, PanelFailure, PanelMessage, PatternTrend, Template } from '@/components/charts'
import { SkeletonLines } from '@/components/ui/skeleton'
import { count, exact, percent } from '@/lib/format'
import type { Asked } from './use-overview'

const MOST = 6

export interface TopPatternsProps {
  since: number
  asked: Asked<{ patterns: PatternSummary[]; total?: number }>
}

export const TopPatterns = memo(function TopPatterns({ since, asked }: TopPatternsProps) {
  const { data, error, retry } = asked
  const top = data?.patterns.slice(0, MOST)
  return (
    <Panel
      title="Top patterns"
      remark={data && `of ${exact(data.total ?? data.patterns.length)}`}
      actions={
        <Link to="/patterns" search={{ since }} className="rounded-md px-1.5 py-0.5 text-xs text-muted hover:bg-hover hover:text-ink">
          All<span className="sr-only"> patterns</span>
        </Link>
      }
    >
      <div className="min-h-44 px-2 pt-1 pb-3">
        {top === undefined && (error ? <PanelFailure error={error} retry={retry} className="h-36" /> : <SkeletonLines lines={MOST} className="gap-4.5 px-2 pt-2" />)}
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
                  <PatternTrend id={pattern.id} filters={{ since }} token={mainLevelToken(pattern.levels)} className="w-18 shrink-0" />
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
