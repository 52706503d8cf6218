//! An empty table says which kind of empty it is.
import { Radio, SearchX } from 'lucide-react'
import { useQuery } from '@tanstack/react-query'
import { totalQuery } from '@/api/queries'
import { Button } from '@/components/ui/button'
import { Empty } from '@/components/ui/states'
import type { Filters } from '@/lib/search-params'
import { rangeLabel } from '@/lib/time-range'
import { FirstData } from '@/pages/overview/FirstData'
import type { ExploreActions } from './use-explore'

export interface NothingProps {
  filters: Filters
  live: boolean
  open: boolean
  actions: ExploreActions
}

/** How often is looked for the very first line. */
const FIRST_MS = 3000

function within(filters: Filters): string {
  const label = rangeLabel(filters)
  return filters.since === undefined ? `from ${label}` : `in the ${label.toLowerCase()}`
}

export function Nothing({ filters, live, open, actions }: NothingProps) {
  const { data } = useQuery({ ...totalQuery({}), refetchInterval: FIRST_MS })
  const narrowed = filters.q !== undefined || filters.levels !== undefined || filters.source !== undefined || filters.pattern !== undefined
  const timed = filters.since !== undefined || filters.from !== undefined
  if (data?.total === 0) {
    return (
      <div className="min-h-0 flex-1 overflow-y-auto p-4">
        <FirstData />
      </div>
    )
  }
  const widen = (
    <>
      {narrowed && <Button onClick={actions.clear}>Clear the filters</Button>}
      {timed && <Button onClick={() => actions.time({})}>Search all time</Button>}
    </>
  )
  if (live && open) {
    return (
      <Empty title="Waiting for matching lines" icon={<Radio className="size-6" />} actions={widen} className="flex-1">
        The stream is connected; {narrowed ? 'nothing has matched these filters yet.' : 'nothing has come yet.'}
      </Empty>
    )
  }
  return (
    <Empty title="No line matches" icon={<SearchX className="size-6" />} actions={widen} className="flex-1">
      {timed ? `Nothing like this ${within(filters)}.` : 'Nothing like this is stored.'} {filters.q !== undefined && 'Words match as a whole: try start* or ~anywhere.'}
    </Empty>
  )
}
