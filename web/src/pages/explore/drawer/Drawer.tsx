//! One line in full, beside the table.
import { useQuery } from '@tanstack/react-query'
import { ChevronDown, ChevronUp, Link2, X } from 'lucide-react'
import { useState } from 'react'
import { aroundQuery } from '@/api/queries'
import { LevelTag } from '@/components/LevelTag'
import { LogText } from '@/components/LogText'
import { Button, IconButton } from '@/components/ui/button'
import { CopyButton } from '@/components/ui/copy'
import { SkeletonLines } from '@/components/ui/skeleton'
import { Failure } from '@/components/ui/states'
import { datedRowTime, exact } from '@/lib/format'
import type { Filters } from '@/lib/search-params'
import { storedRow, type TableRow } from '@/live/rows'
import type { ExploreActions } from '../use-explore'
import { Around } from './Around'
import { Fields } from './Fields'
import { PatternCard } from './PatternCard'

export interface DrawerProps {
  seq: string
  /** The row where the table holds it. */
  held: TableRow | undefined
  filters: Filters
  actions: ExploreActions
  onClose(): void
  onStep(by: 1 | -1): void
}

/** Characters of a message shown before someone asks for all of it. */
const MOST_SHOWN = 8000

function Message({ text }: { text: string }) {
  const [all, setAll] = useState(false)
  return (
    <section aria-label="Message" className="group relative rounded-lg bg-raised px-3 py-2.5">
      <div className="max-h-80 overflow-y-auto wrap-anywhere whitespace-pre-wrap">
        <LogText text={text} max={all ? Number.POSITIVE_INFINITY : MOST_SHOWN} lines />
      </div>
      <div className="absolute top-1 right-1 rounded-md bg-raised opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
        <CopyButton label="Copy the message" text={() => text} />
      </div>
      {text.length > MOST_SHOWN && (
        <Button small className="mt-2" onClick={() => setAll(!all)}>
          {all ? 'Show less' : `Show all ${exact(text.length)} characters`}
        </Button>
      )}
    </section>
  )
}

/** In the time of who looks, as the table has it, and in the one that everybody shares. */
function When({ at }: { at: number }) {
  const utc = new Date(at).toISOString()
  return (
    <div className="flex flex-wrap items-baseline gap-x-3">
      <time dateTime={utc} className="log-text nums text-ink">
        {datedRowTime(at)}
      </time>
      <span className="log-text nums text-subtle">{utc}</span>
    </div>
  )
}

export function Drawer({ seq, held, filters, actions, onClose, onStep }: DrawerProps) {
  const around = useQuery(aroundQuery(seq))
  const found = around.data?.find((row) => row.seq === seq)
  const row = held ?? (found && storedRow(found))
  return (
    <aside
      aria-label="Line in full"
      className="flex w-104 shrink-0 flex-col border-l border-line bg-surface max-xl:fixed max-xl:inset-y-0 max-xl:right-0 max-xl:z-20 max-xl:shadow-(--shadow) max-sm:inset-x-0 max-sm:w-full max-sm:border-l-0"
    >
      <header className="flex h-13 shrink-0 items-center gap-1 border-b border-line pr-2 pl-4">
        {row && (
          <span className="flex min-w-0 items-center gap-2.5">
            <LevelTag level={row.level} />
            <span className="min-w-0 truncate font-semibold">
              <LogText text={row.source} max={120} className="font-sans! text-[13px]!" />
            </span>
          </span>
        )}
        <div className="ml-auto flex">
          <IconButton label="Newer line" shortcut="k" onClick={() => onStep(-1)}>
            <ChevronUp aria-hidden className="size-4" />
          </IconButton>
          <IconButton label="Older line" shortcut="j" onClick={() => onStep(1)}>
            <ChevronDown aria-hidden className="size-4" />
          </IconButton>
          <CopyButton label="Copy link" small={false} icon={<Link2 aria-hidden className="size-4" />} text={() => location.href} />
          <IconButton label="Close" shortcut="Esc" onClick={onClose}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
      </header>
      <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-x-hidden overflow-y-auto p-4">
        {!row && around.isPending && <SkeletonLines lines={8} />}
        {!row && around.isError && <Failure error={around.error} title="This line is not there" onRetry={() => void around.refetch()} />}
        {row && (
          <>
            <div className="flex flex-col gap-2">
              <When at={row.time} />
              <Message key={seq} text={row.message} />
            </div>
            <PatternCard row={row} filters={filters} actions={actions} />
            <Fields row={row} actions={actions} />
            <Around seq={seq} around={around} onSelect={(next) => actions.select(next)} />
          </>
        )}
      </div>
    </aside>
  )
}
