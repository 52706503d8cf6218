//! An insight in words: what it says, how sure it is, and why it may say little.
import type { Insight, PatternSummary, Severity } from '@/api/types'
import { percent } from '@/lib/format'

export const SEVERITY_TEXT: Record<Severity, string> = {
  critical: 'text-bad',
  high: 'text-bad',
  medium: 'text-caution',
  low: 'text-info',
  info: 'text-muted',
}

const RANK: Record<Severity, number> = { critical: 4, high: 3, medium: 2, low: 1, info: 0 }

const WHY: Record<Insight['status'], string> = {
  ok: '',
  edited: '',
  pending: 'The model has not answered yet.',
  no_key: 'Found by local rules; no model is configured.',
  over_budget: 'Found by local rules; the model’s budget is spent.',
  model_failed: 'Found by local rules; the model gave no usable answer.',
  rejected: 'Found by local rules; the model’s answer broke a rule.',
}

/** Whether a model or a person put it in words. */
export function hasWords({ status, summary }: Insight): boolean {
  return (status === 'ok' || status === 'edited') && summary !== '' && summary !== 'analysis_failed'
}

/** One sentence: the model's, or what the local rules say; null when there is nothing to say. */
export function saying(insight: Insight): string | null {
  if (hasWords(insight)) return insight.summary
  return insight.hint === undefined || insight.hint === '' ? null : insight.hint
}

/** What stands where there is nothing to say. */
export function unexplained({ severity }: Insight): string {
  return RANK[severity] > RANK.low ? 'Grave by its level; the rules know no cause. Look at the lines around it.' : 'Nothing stands out about it.'
}

/** `91% confidence`, or who said it. */
export function sureness(insight: Insight): string {
  if (insight.status === 'edited') return 'by a person'
  if (hasWords(insight)) return `${percent(insight.confidence, 0)} confidence`
  return insight.status === 'pending' ? 'asking the model' : 'local rules'
}

/** Why there are no words of a model; empty when there are. */
export function whyLocal(insight: Insight): string {
  return hasWords(insight) ? '' : WHY[insight.status]
}

/** What is worth a look, gravest first: by severity, then new ones, then those with most lines. Leaves out what matters to nobody. */
export function worthALook(patterns: readonly PatternSummary[], most: number): PatternSummary[] {
  return patterns
    .filter(({ insight }) => RANK[insight.severity] >= RANK.low && saying(insight) !== null)
    .toSorted(
      (a, b) =>
        RANK[b.insight.severity] - RANK[a.insight.severity] ||
        Number(b.isNew) - Number(a.isNew) ||
        Number(hasWords(b.insight)) - Number(hasWords(a.insight)) ||
        b.count - a.count,
    )
    .slice(0, most)
}
