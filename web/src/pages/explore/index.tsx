//! The Explore page: lines as they come and as they are stored, searched and filtered.
import { useRef, type RefObject } from 'react'
import { useKeys } from '@/frame/keys'
import { Page } from '@/frame/Page'
import { exact } from '@/lib/format'
import type { ExploreSearch } from '@/lib/search-params'
import { NARROW, PHONE, useMedia } from '@/lib/media'
import { useConnection } from '@/live/hooks'
import { QueryError } from './bar/QueryError'
import { Drawer } from './drawer/Drawer'
import { ExploreBar } from './ExploreBar'
import { Facets } from './Facets'
import { totalText } from './Footer'
import { Histogram } from './Histogram'
import { Nothing } from './Nothing'
import { HistoryTable, LiveTable } from './Rows'
import { useExplore, type ExploreActions } from './use-explore'
import { useLayout } from './use-layout'
import { useReading, type Reading } from './use-reading'
import { useRows, type Rows } from './use-rows'
import { useStatus } from './use-status'

const ERROR_ID = 'query-error'

function useExploreKeys(rows: Rows, reading: Reading, actions: ExploreActions, input: RefObject<HTMLInputElement | null>): void {
  const { cursor, sel } = reading
  const search = () => {
    input.current?.focus()
    input.current?.select()
  }
  useKeys([
    { keys: '/', does: 'Search', group: 'Explore', run: search },
    { keys: 'Space', does: rows.isLive ? 'Pause or follow' : 'Go live', group: 'Explore', run: () => (rows.isLive ? reading.pause() : actions.goLive()) },
    { keys: 'L', does: 'Jump to the latest', group: 'Explore', run: reading.latest },
    { keys: 'j', does: 'Next line', group: 'Lines', run: () => reading.step(1) },
    { keys: 'k', does: 'Line before', group: 'Lines', run: () => reading.step(-1) },
    { keys: 'Enter', does: 'Open the line', group: 'Lines', run: () => (cursor === null ? false : reading.open(cursor)) },
    { keys: 'Esc', does: 'Close the line', group: 'Lines', run: () => (sel === undefined ? false : reading.close()) },
  ])
}

function statusOf({ isLive, liveRows, source, history }: Rows): string {
  if (!isLive) return history.loading ? 'Reading' : totalText(history.total, history.totalAtLeast)
  return liveRows.frozen ? `Paused, ${exact(liveRows.unseen)} new lines` : `${exact(source.count)} lines held`
}

export function ExplorePage() {
  const { search, actions } = useExplore()
  const phone = useMedia(PHONE)
  const narrow = useMedia(NARROW)
  const input = useRef<HTMLInputElement>(null)
  const rows = useRows(search)
  const reading = useReading(search, rows, actions)
  useExploreKeys(rows, reading, actions, input)
  const status = useStatus(statusOf(rows))
  const { filters, isLive, anchor, refused } = rows
  const facets = <Facets filters={filters} actions={actions} refresh={rows.facetsRefresh} wait={rows.wait} anchor={anchor} />
  const bar = (
    <ExploreBar
      inputRef={input}
      search={search}
      rows={rows}
      reading={reading}
      actions={actions}
      errorId={refused === null ? undefined : ERROR_ID}
      facets={narrow ? facets : undefined}
    />
  )
  return (
    <Page title="Explore" hideTitle bar={bar}>
      {refused !== null && <QueryError id={ERROR_ID} query={search.q} refusal={refused} />}
      <output className="sr-only">{status}</output>
      <div className="flex min-h-0 min-w-0 flex-1">
        {!narrow && (
          <section aria-label="Filters" className="w-54 shrink-0 overflow-x-hidden overflow-y-auto border-r border-line px-2 py-4">
            {facets}
          </section>
        )}
        <div className="flex min-h-0 min-w-0 flex-1 flex-col gap-3 overflow-y-auto p-3 max-sm:gap-2 max-sm:p-2">
          <Histogram filters={filters} following={isLive} anchor={anchor} phone={phone} wait={rows.wait} onZoom={actions.zoom} onZoomReset={actions.allTime} />
          <Table search={search} rows={rows} reading={reading} actions={actions} phone={phone} />
        </div>
        {reading.sel !== undefined && <OpenLine sel={reading.sel} rows={rows} reading={reading} actions={actions} />}
      </div>
    </Page>
  )
}

/** May rows be of different days? */
function spansDays({ since, from }: ExploreSearch): boolean {
  return from !== undefined || since === undefined || since > 360
}

interface PartProps {
  rows: Rows
  reading: Reading
  actions: ExploreActions
}

function Table({ search, rows, reading, actions, phone }: PartProps & { search: ExploreSearch; phone: boolean }) {
  const { isLive, filters } = rows
  const layout = useLayout(search, phone, !isLive && spansDays(search))
  const open = useConnection().state === 'open'
  const shared = {
    gridRef: reading.grid,
    layout,
    listKey: rows.listKey,
    selected: reading.sel,
    cursor: reading.cursor,
    nothing: <Nothing filters={filters} live={isLive} open={open} actions={actions} />,
    onOpen: reading.open,
    onMove: reading.move,
    onRead: reading.read,
    onSight: reading.onSight,
  }
  return isLive ? (
    <LiveTable {...shared} rows={rows.liveRows} matching={rows.matching} onLatest={reading.latest} onHistory={actions.history} />
  ) : (
    <HistoryTable {...shared} rows={rows.history} page={search.page ?? 1} onPage={reading.page} />
  )
}

function OpenLine({ sel, rows, reading, actions }: PartProps & { sel: string }) {
  const at = rows.source.indexOf(sel)
  const held = at === undefined ? undefined : rows.source.get(at)
  return <Drawer seq={sel} held={held} filters={rows.filters} actions={actions} onClose={reading.close} onStep={reading.step} />
}
