//! The tools of the page: the query, the time, live or history, and the menus.
import { Filter } from 'lucide-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode, Ref } from 'react'
import { facetsQuery } from '@/api/queries'
import { TimeRange } from '@/components/TimeRange'
import { IconButton } from '@/components/ui/button'
import { Popover } from '@/components/ui/popover'
import type { ExploreSearch } from '@/lib/search-params'
import { ExportMenu, LookMenu, ViewsMenu } from './bar/Menus'
import { Mode } from './bar/Mode'
import { QueryBar } from './bar/QueryBar'
import { totalText } from './Footer'
import { seenFields } from './table/columns'
import type { ExploreActions } from './use-explore'
import type { Reading } from './use-reading'
import type { Rows } from './use-rows'

/** Rows that completion and the column picker look at. */
const SAMPLE = 200

export interface ExploreBarProps {
  inputRef: Ref<HTMLInputElement>
  search: ExploreSearch
  rows: Rows
  reading: Reading
  actions: ExploreActions
  errorId?: string
  /** The facets, where they have no place of their own. */
  facets?: ReactNode
}

function FilterButton({ children }: { children: ReactNode }) {
  const trigger = (
    <IconButton label="Filters" kind="plain">
      <Filter aria-hidden className="size-4" />
    </IconButton>
  )
  return (
    <Popover label="Filters" align="start" className="w-66" trigger={trigger}>
      {() => children}
    </Popover>
  )
}

export function ExploreBar({ inputRef, search, rows, reading, actions, errorId, facets }: ExploreBarProps) {
  const { source, filters, isLive, liveRows, history } = rows
  const sources = useQuery(facetsQuery({}, 'source', 50)).data?.fields.source ?? []
  const sample = () => seenFields(Array.from({ length: Math.min(SAMPLE, source.count) }, (_, i) => source.get(i)).filter((row) => row !== undefined))
  return (
    <>
      <QueryBar
        ref={inputRef}
        search={search}
        known={() => ({ sources, fields: sample() })}
        errorId={errorId}
        onType={actions.type}
        onRemove={(filter) => actions.set({ [filter]: undefined })}
      />
      {facets !== undefined && <FilterButton>{facets}</FilterButton>}
      <TimeRange value={filters} onChange={actions.time} absolute all />
      <Mode live={isLive} frozen={liveRows.frozen} onLive={actions.goLive} onHistory={actions.history} onPause={reading.pause} />
      <div className="flex gap-1">
        <LookMenu search={search} actions={actions} fields={() => [...sample().keys()]} />
        <ExportMenu filters={filters} total={isLive ? 'All stored lines' : totalText(history.total, history.totalAtLeast)} />
        <div className="max-sm:hidden">
          <ViewsMenu search={search} onShow={actions.show} />
        </div>
      </div>
    </>
  )
}
