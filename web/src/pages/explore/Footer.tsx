//! Under the table: how many there are and are held, what was left out, and whether the table follows.
import { ChevronLeft, ChevronRight } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from '@/components/ui/button'
import { tip } from '@/components/ui/tooltip'
import { exact } from '@/lib/format'

function FooterBar({ children, right }: { children: ReactNode; right: ReactNode }) {
  return (
    <footer className="nums flex min-h-8 shrink-0 flex-wrap items-center gap-x-4 gap-y-0.5 border-t border-line px-3 py-0.5 text-xs text-muted">
      {children}
      <div className="ml-auto flex items-center gap-2">{right}</div>
    </footer>
  )
}

export interface LiveFooterProps {
  held: number
  capacity: number
  matching: number | undefined
  skipped: number
  sampled: number
  frozen: boolean
}

export function LiveFooter({ held, capacity, matching, skipped, sampled, frozen }: LiveFooterProps) {
  return (
    <FooterBar right={frozen ? <span className="text-caution">Paused</span> : <span className="text-good">Following</span>}>
      <span {...tip(`At most ${exact(capacity)} lines are held in the page; older ones are in the history.`, undefined, 'top')}>{exact(held)} held</span>
      {matching !== undefined && <span>{exact(matching)} stored</span>}
      {sampled > 1 && <span className="text-caution">Showing 1 in {exact(sampled)}: more come than can be shown</span>}
      {skipped > 0 && <span className="text-caution">{exact(skipped)} skipped: the page was too slow; the history has them</span>}
    </FooterBar>
  )
}

export interface HistoryFooterProps {
  /** Said where the count isn't exact. */
  total: number | undefined
  totalAtLeast: number | undefined
  partial: string | undefined
  loading: boolean
  page: number
  pages: number
  onPage(page: number): void
}

export function totalText(total: number | undefined, atLeast: number | undefined): string {
  if (total !== undefined) return `${exact(total)} ${total === 1 ? 'line' : 'lines'}`
  return atLeast === undefined ? 'Lines' : `At least ${exact(atLeast)} lines`
}

export function HistoryFooter({ total, totalAtLeast, partial, loading, page, pages, onPage }: HistoryFooterProps) {
  const right = (
    <>
      <span>
        Page {exact(page)} of {exact(Math.max(1, pages))}
      </span>
      <IconButton label="Newer page" small disabled={page <= 1} onClick={() => onPage(page - 1)}>
        <ChevronLeft aria-hidden className="size-4" />
      </IconButton>
      <IconButton label="Older page" small disabled={page >= pages} onClick={() => onPage(page + 1)}>
        <ChevronRight aria-hidden className="size-4" />
      </IconButton>
    </>
  )
  return (
    <FooterBar right={right}>
      <span>{loading ? 'Reading…' : totalText(total, totalAtLeast)}</span>
      {partial !== undefined && <span className="text-caution">Not all of it: {partial}</span>}
    </FooterBar>
  )
}
