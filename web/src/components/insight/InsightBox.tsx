//! What is known about a pattern in words, how sure it is, and what to do.
import { Sparkles } from 'lucide-react'
import type { Insight } from '@/api/types'
import { cx } from '@/lib/cx'
import { plain } from '@/lib/hostile'
import { saying, SEVERITY_TEXT, sureness, unexplained, whyLocal } from './words'

export function InsightBox({ insight }: { insight: Insight }) {
  const local = whyLocal(insight)
  return (
    <section aria-label="Insight" className="rounded-lg border border-line bg-raised px-3 py-2.5">
      <div className="flex items-center gap-2 text-xs">
        <Sparkles aria-hidden className="size-3.5 text-accent" />
        <span className={cx('font-bold tracking-wide uppercase', SEVERITY_TEXT[insight.severity])}>{insight.severity}</span>
        <span className="text-muted">{insight.category}</span>
        <span className="nums ml-auto text-muted">{sureness(insight)}</span>
      </div>
      <p className="mt-1.5 wrap-anywhere text-ink">{plain(saying(insight) ?? unexplained(insight), 1000)}</p>
      {insight.remediation !== undefined && insight.remediation !== '' && (
        <p className="mt-1.5 wrap-anywhere text-muted">
          <strong className="font-semibold text-ink">What to do: </strong>
          {plain(insight.remediation, 2000)}
        </p>
      )}
      {(local !== '' || insight.model !== undefined) && <p className="mt-1.5 text-xs text-muted">{local === '' ? plain(insight.model ?? '', 80) : local}</p>}
    </section>
  )
}
