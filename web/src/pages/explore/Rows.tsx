//! The table with what stands round it: the pill of new lines, the kinds of nothing, the footer.
import { ArrowUp } from 'lucide-react'
import type { ReactNode, Ref } from 'react'
import { refused } from '@/api/client'
import { Button } from '@/components/ui/button'
import { SkeletonLines } from '@/components/ui/skeleton'
import { Empty, Failure } from '@/components/ui/states'
import { exact } from '@/lib/format'
import { live } from '@/live/live'
import type { LiveRows } from './rows/live'
import { PAGE, type HistoryRows } from './rows/history'
import { HistoryFooter, LiveFooter } from './Footer'
import { Grid, type GridHandle, type GridProps } from './table/Grid'

type Shared = Pick<GridProps, 'layout' | 'listKey' | 'selected' | 'cursor' | 'onOpen' | 'onMove' | 'onRead' | 'onSight'> & {
  gridRef: Ref<GridHandle>
  /** Stands in place of the table when it is empty. */
  nothing: ReactNode
}

function Card({ children }: { children: ReactNode }) {
  return <section aria-label="Lines" className="relative flex min-h-48 min-w-0 flex-1 flex-col overflow-hidden rounded-xl border border-line bg-surface">{children}</section>
}

/** A query that can't be read is explained at the query; here stands no more than that. */
function Unread({ error, title, onRetry }: { error: unknown; title: string; onRetry: () => void }) {
  if (refused(error)) return <Empty title="The search can’t be read" className="flex-1">What is wrong with it stands above.</Empty>
  return <Failure error={error} title={title} onRetry={onRetry} className="flex-1" />
}

function Waiting() {
  return (
    <div className="flex-1 overflow-hidden p-4" aria-label="Loading">
      <SkeletonLines lines={24} className="gap-4!" />
    </div>
  )
}

/** Below the oldest live row: what became of the older ones. */
function LiveTail({ onHistory }: { onHistory: () => void }) {
  const { backfill } = live
  if (backfill.state === 'loading') return 'Reading older lines…'
  if (backfill.state === 'end') return 'That is all that matches'
  if (backfill.state === 'failed') {
    return (
      <span role="alert" className="flex items-center gap-3 text-bad">
        Older lines could not be read
        <Button small onClick={() => void live.loadOlder()}>
          Try again
        </Button>
      </span>
    )
  }
  return (
    <span className="flex items-center gap-3">
      Older lines are in the history
      <Button small onClick={onHistory}>
        Open the history
      </Button>
    </span>
  )
}

export interface LiveTableProps extends Shared {
  rows: LiveRows
  matching: number | undefined
  onLatest(): void
  onHistory(): void
}

export function LiveTable({ rows, matching, gridRef, nothing, onLatest, onHistory, ...grid }: LiveTableProps) {
  const { source, frozen, unseen, stale } = rows
  const { backfill } = live
  return (
    <Card>
      {frozen && unseen > 0 && (
        <button
          type="button"
          onClick={onLatest}
          className="nums absolute top-10 left-1/2 z-20 flex h-8 -translate-x-1/2 items-center gap-2 rounded-full bg-accent-solid px-3.5 text-xs font-medium whitespace-nowrap text-on-accent shadow-(--shadow) hover:brightness-110"
        >
          <ArrowUp aria-hidden className="size-3.5" />
          {exact(unseen)} new · jump to latest
        </button>
      )}
      {source.count > 0 ? (
        <Grid ref={gridRef} {...grid} source={source} stale={stale} label="Live lines, newest first" tail={<LiveTail onHistory={onHistory} />} />
      ) : backfill.state === 'loading' ? (
        <Waiting />
      ) : backfill.state === 'failed' ? (
        <Unread error={backfill.error} title="The stored lines could not be read" onRetry={() => void live.loadOlder()} />
      ) : (
        nothing
      )}
      <LiveFooter held={live.ring.size} capacity={live.ring.capacity} matching={matching} skipped={live.skipped} sampled={live.sampled} frozen={frozen} />
    </Card>
  )
}

export interface HistoryTableProps extends Shared {
  rows: HistoryRows
  page: number
  onPage(page: number): void
}

export function HistoryTable({ rows, gridRef, nothing, page, onPage, ...grid }: HistoryTableProps) {
  const { source, total, totalAtLeast, partial, stale, loading, error } = rows
  return (
    <Card>
      {source.count > 0 ? (
        <>
          {error !== null && error !== undefined && (
            <Failure error={error} title="Some lines could not be read" onRetry={rows.retry} className="absolute inset-x-0 bottom-8 z-10 border-t border-line bg-surface py-3!" />
          )}
          <Grid ref={gridRef} {...grid} source={source} stale={stale} startAt={(page - 1) * PAGE} label="Stored lines, newest first" />
        </>
      ) : loading ? (
        <Waiting />
      ) : error ? (
        <Unread error={error} title="The history could not be read" onRetry={rows.retry} />
      ) : (
        nothing
      )}
      <HistoryFooter
        total={total}
        totalAtLeast={totalAtLeast}
        partial={partial}
        loading={loading || stale}
        page={Math.min(page, Math.max(1, Math.ceil(source.count / PAGE)))}
        pages={Math.ceil(source.count / PAGE)}
        onPage={onPage}
      />
    </Card>
  )
}
