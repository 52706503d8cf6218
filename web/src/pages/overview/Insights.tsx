//! What is worth a look, in words: the model's where one is configured, local rules where not. Says which; hides nothing.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@/frame/Link'
import { ArrowRight, Sparkles } from 'lucide-react'
import { memo } from 'react'
import { analysisQuery } from '@/api/queries'
import type { components } from '@/api/schema'
import type { PatternSummary } from '@/api/types'
import { NewBadge, Panel, PanelFailure, PanelMessage, Template } from '@/components/charts'
import { Skeleton, SkeletonLines } from '@/components/ui/skeleton'
import { cx } from '@/lib/cx'
import { counted } from '@/lib/format'
import { plain } from '@/lib/hostile'
import { hasWords, saying, SEVERITY_TEXT, sureness, worthALook } from '@/components/insight/words'
import type { Asked } from './use-overview'

type Analysis = components['schemas']['Analysis']

const MOST = 8

export interface InsightsProps {
  since: number
  asked: Asked<{ patterns: PatternSummary[] }>
  className?: string
}

export const Insights = memo(function Insights({ since, asked, className }: InsightsProps) {
  const { data, error, retry } = asked
  const model = useQuery(analysisQuery())
  // Both together, so that what the first shows isn't moved by the second.
  const notable = data && !model.isPending ? worthALook(data.patterns, MOST) : undefined
  return (
    <Panel title="AI insights" remark={model.data?.model.configured ? model.data.model.name : undefined} actions={<Sparkles aria-hidden className="size-4 text-accent" />} className={className}>
      <div className="flex min-h-0 flex-1 flex-col gap-2 overflow-y-auto px-3 pt-1 pb-3">
        {notable === undefined && (error ? <PanelFailure error={error} retry={retry} className="h-36" /> : <InsightSkeletons />)}
        {notable && <ModelState analysis={model.data} />}
        {notable?.length === 0 && <PanelMessage title="Nothing stands out" className="h-36">No pattern of this range is graver than usual traffic.</PanelMessage>}
        {notable?.map((pattern) => (
          <InsightItem key={pattern.id} pattern={pattern} since={since} />
        ))}
      </div>
    </Panel>
  )
})

function InsightSkeletons() {
  return [0, 1, 2].map((i) => (
    <div key={i} className="flex h-32 flex-col gap-3 rounded-lg border border-line p-3">
      <Skeleton className="h-3 w-1/3" />
      <SkeletonLines lines={3} />
    </div>
  ))
}

/** That the model is off, or fails: never silently. */
function ModelState({ analysis }: { analysis: Analysis | undefined }) {
  if (!analysis || (analysis.model.configured && analysis.model.state === 'ok')) return null
  const off = !analysis.model.configured
  return (
    <p className="rounded-lg border border-line bg-raised px-3 py-2 text-xs text-muted">
      {off ? (
        <>
          <strong className="font-semibold text-ink">AI is off.</strong> Severity and hints below come from local rules. Set <code className="font-mono text-ink">OPENAI_API_KEY</code> and restart
          to have new patterns explained.
        </>
      ) : (
        <>
          <strong className="font-semibold text-caution">The model does not answer.</strong> Local rules stand in until it does.
        </>
      )}
    </p>
  )
}

function InsightItem({ pattern, since }: { pattern: PatternSummary; since: number }) {
  const { insight, id, template } = pattern
  return (
    <article className="min-w-0 shrink-0 rounded-lg border border-line px-3 py-2.5">
      <div className="flex items-center gap-2 text-xs">
        <span className={cx('font-bold tracking-wide uppercase', SEVERITY_TEXT[insight.severity])}>{insight.severity}</span>
        {pattern.isNew && <NewBadge />}
        <span className="nums ml-auto text-muted">{sureness(insight)}</span>
      </div>
      {hasWords(insight) ? (
        <>
          <h3 className="mt-1 line-clamp-3 text-[13px] font-semibold wrap-anywhere text-ink">{plain(insight.summary, 400)}</h3>
          <p className="mt-1 line-clamp-2 wrap-anywhere text-muted">
            <Template text={template} />
          </p>
        </>
      ) : (
        <>
          {/* Hints repeat from pattern to pattern: here the template tells them apart. */}
          <h3 className="mt-1 line-clamp-2 leading-[1.4] wrap-anywhere text-ink">
            <Template text={template} />
          </h3>
          <p className="mt-1 line-clamp-2 text-xs text-muted">{plain(saying(insight) ?? '', 400)}</p>
        </>
      )}
      <div className="mt-1.5 flex items-center gap-2 text-xs">
        <Link to="/explore" search={{ pattern: id, since }} className="inline-flex items-center gap-1 font-medium text-accent hover:underline">
          See the evidence <ArrowRight aria-hidden className="size-3" />
          <span className="sr-only">for {plain(template, 80)}</span>
        </Link>
        <span className="nums ml-auto text-muted">
          {counted(pattern.count, 'line')} · {insight.category}
        </span>
      </div>
    </article>
  )
}
