//! How the table looks, what can be taken away from it, and views to come back to.
import { Bookmark, Columns3, Download, Trash2 } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { API_BASE } from '@/api/client'
import { Button, IconButton } from '@/components/ui/button'
import { CheckItem } from '@/components/ui/check-item'
import { Popover } from '@/components/ui/popover'
import { plain } from '@/lib/hostile'
import { exploreSearch, formatQuery, parseQuery, type ExploreSearch, type Filters } from '@/lib/search-params'
import { StoredList, useStoredList } from '@/lib/stored-list'
import { apiFilters } from '@/lib/time-range'
import { fieldColumn, OWN_COLUMNS, USUAL } from '../table/columns'
import type { ExploreActions } from '../use-explore'

const HEADING = 'px-2 pt-1.5 pb-1 text-xs font-semibold text-subtle'

export function LookMenu({ search, actions, fields }: { search: ExploreSearch; actions: ExploreActions; fields: () => readonly string[] }) {
  const shown = (search.cols ?? USUAL).split(',')
  const view = search.view?.split(',') ?? []
  return (
    <Popover
      label="Columns and rows"
      className="w-60"
      trigger={
        <IconButton label="Columns and rows" kind="plain">
          <Columns3 aria-hidden className="size-4" />
        </IconButton>
      }
    >
      {() => (
        <>
          <h2 className={HEADING}>Rows</h2>
          <CheckItem on={view.includes('compact')} onToggle={() => actions.toggleView('compact')}>
            Dense
          </CheckItem>
          <CheckItem on={view.includes('wrap')} onToggle={() => actions.toggleView('wrap')}>
            Long lines over three rows
          </CheckItem>
          <h2 className={HEADING}>Columns</h2>
          {OWN_COLUMNS.map(({ key, title }) => (
            <CheckItem key={key} on={shown.includes(key)} onToggle={() => actions.toggleColumn(key)}>
              {title}
            </CheckItem>
          ))}
          <FieldItems shown={shown} fields={fields} onToggle={actions.toggleColumn} />
        </>
      )}
    </Popover>
  )
}

function FieldItems({ shown, fields, onToggle }: { shown: readonly string[]; fields: () => readonly string[]; onToggle: (key: string) => void }) {
  // What rows have when the menu opens: the list doesn't jump while they stream by.
  const [paths] = useState(fields)
  if (paths.length === 0) return null
  return (
    <>
      <h2 className={HEADING}>Fields of these lines</h2>
      {paths.map((path) => (
        <CheckItem key={path} on={shown.includes(fieldColumn(path))} onToggle={() => onToggle(fieldColumn(path))}>
          {plain(path, 80)}
        </CheckItem>
      ))}
    </>
  )
}

/** Address of the whole filter as a file. */
function exportUrl(filters: Filters, format: 'csv' | 'ndjson'): string {
  const pairs = Object.entries({ format, ...apiFilters(filters) }).map(([key, value]) => [key, String(value)])
  return `${API_BASE}/export?${new URLSearchParams(pairs).toString()}`
}

export function ExportMenu({ filters, total }: { filters: Filters; total: string }) {
  const item = 'flex flex-col rounded-md px-2.5 py-1.5 hover:bg-hover'
  return (
    <Popover
      label="Export"
      className="w-64"
      trigger={
        <IconButton label="Export" kind="plain">
          <Download aria-hidden className="size-4" />
        </IconButton>
      }
    >
      {(close) => (
        <>
          <p className="px-2.5 py-1.5 text-xs text-muted">{total} that match, streamed to a file.</p>
          <a href={exportUrl(filters, 'csv')} download onClick={close} className={item}>
            CSV <span className="text-xs text-muted">for a spreadsheet</span>
          </a>
          <a href={exportUrl(filters, 'ndjson')} download onClick={close} className={item}>
            NDJSON <span className="text-xs text-muted">every field, one record a line</span>
          </a>
        </>
      )}
    </Popover>
  )
}

interface View {
  name: string
  /** The search of the URL. */
  query: string
}

function isView(item: unknown): item is View {
  const { name, query } = (item ?? {}) as Partial<View>
  return typeof name === 'string' && typeof query === 'string'
}

const views = new StoredList<View>('whittle.views', 30, isView)

export function ViewsMenu({ search, onShow }: { search: ExploreSearch; onShow: (view: ExploreSearch) => void }) {
  return (
    <Popover
      label="Saved views"
      className="w-68"
      trigger={
        <IconButton label="Saved views" kind="plain">
          <Bookmark aria-hidden className="size-4" />
        </IconButton>
      }
    >
      {(close) => (
        <ViewsList
          search={search}
          onShow={(view) => {
            close()
            onShow(view)
          }}
        />
      )}
    </Popover>
  )
}

function ViewsList({ search, onShow }: { search: ExploreSearch; onShow: (view: ExploreSearch) => void }) {
  const saved = useStoredList(views)
  const [name, setName] = useState('')
  const save = (event: FormEvent) => {
    event.preventDefault()
    const { sel: _sel, page: _page, ...kept } = search
    const view = { name: name.trim(), query: formatQuery(kept) }
    if (view.name === '') return
    views.set([view, ...views.get().filter((one) => one.name !== view.name)])
    setName('')
  }
  return (
    <>
      <form onSubmit={save} className="flex gap-1.5 p-1">
        <input
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={60}
          aria-label="Name of this view"
          placeholder="Name of this view"
          className="h-7 min-w-0 flex-1 rounded-md border border-line bg-bg px-2"
        />
        <Button type="submit" small kind="solid" disabled={name.trim() === ''}>
          Save
        </Button>
      </form>
      {saved.length === 0 && <p className="px-2 py-1.5 text-xs text-muted">Filters, time, columns and density under a name, kept in this browser.</p>}
      <ul>
        {saved.map((view) => (
          <li key={view.name} className="flex items-center gap-1">
            <button type="button" onClick={() => onShow(exploreSearch(parseQuery(view.query)))} className="h-8 min-w-0 flex-1 truncate rounded-md px-2 text-left hover:bg-hover">
              {view.name}
            </button>
            <IconButton label={`Delete ${view.name}`} small onClick={() => views.set(views.get().filter((one) => one !== view))}>
              <Trash2 aria-hidden className="size-3.5" />
            </IconButton>
          </li>
        ))}
      </ul>
    </>
  )
}
