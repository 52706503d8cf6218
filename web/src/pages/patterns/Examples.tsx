//! The newest lines of a pattern, with what varies marked; each leads to its place in Explore.
import { Link } from '@/frame/Link'
import type { Row } from '@/api/types'
import { Visible } from '@/components/charts'
import { LevelTag } from '@/components/LevelTag'
import { rowDateTime } from '@/lib/format'
import { cut, plain } from '@/lib/hostile'
import type { Filters } from '@/lib/search-params'
import { marked, type Part } from './align'

const MOST_CHARS = 600

export interface ExamplesProps {
  rows: readonly Row[]
  template: string
  pattern: string
  filters: Filters
  nowMs: number
}

export function Examples({ rows, template, pattern, filters, nowMs }: ExamplesProps) {
  if (rows.length === 0) return <p className="text-xs text-muted">No lines in this range.</p>
  return (
    <ol className="flex flex-col divide-y divide-line overflow-hidden rounded-lg border border-line">
      {rows.map((row) => (
        <li key={row.seq} className="min-w-0">
          <Link
            to="/explore"
            search={{ ...filters, pattern, live: false, sel: `${row.seq}@${Date.parse(row.timestamp)}` }}
            className="block min-w-0 px-3 py-2 hover:bg-hover focus-visible:-outline-offset-2"
          >
            <span className="nums flex items-center gap-3 text-xs text-muted">
              {rowDateTime(Date.parse(row.timestamp), nowMs)}
              <LevelTag level={row.level} />
              <span className="min-w-0 truncate">{plain(row.source, 80)}</span>
            </span>
            <Line template={template} message={row.message} />
          </Link>
        </li>
      ))}
    </ol>
  )
}

/** The parts of a line up to so many characters. */
function shortened(parts: readonly Part[], most: number): Part[] {
  const kept: Part[] = []
  let left = most
  for (const { text, varies } of parts) {
    if (left <= 0) break
    kept.push({ text: cut(text, left), varies })
    left -= text.length
  }
  return kept
}

function Line({ template, message }: { template: string; message: string }) {
  const parts = shortened(marked(template, message), MOST_CHARS)
  return (
    <span className="log-text mt-0.5 line-clamp-4 wrap-anywhere text-ink">
      {parts.map(({ text, varies }, i) => {
        const key = `${i}${varies}`
        if (!varies) return <Visible key={key} text={text} />
        return (
          <mark key={key} className="rounded-xs bg-accent-soft text-accent">
            <Visible text={text} />
          </mark>
        )
      })}
    </span>
  )
}
