//! What there is to filter by, with counts: click = only this, Alt-click = all but this.
import { useQuery } from '@tanstack/react-query'
import { EyeOff } from 'lucide-react'
import { memo, useState, type MouseEvent, type ReactNode } from 'react'
import { refused } from '@/api/client'
import { facetsQuery } from '@/api/queries'
import { LEVELS, type FacetValue, type Level } from '@/api/types'
import { NotWhole } from '@/components/NotWhole'
import { Template } from '@/components/charts/Template'
import { LEVEL_FILL, LEVEL_TEXT } from '@/components/LevelTag'
import { LogText } from '@/components/LogText'
import { Skeleton } from '@/components/ui/skeleton'
import { reason } from '@/components/ui/states'
import { tip } from '@/components/ui/tooltip'
import { cx } from '@/lib/cx'
import { count, exact } from '@/lib/format'
import { plain } from '@/lib/hostile'
import { parseLevels, type Filters } from '@/lib/search-params'
import type { ExploreActions } from './use-explore'

const SHORT = 10
const MOST = 200

interface FacetRowProps {
  name: string
  label: ReactNode
  n: number | undefined
  chosen: boolean
  /** Something else is chosen. */
  dimmed: boolean
  before?: ReactNode
  /** All of a label that is cut off in the list. */
  whole?: string
  onOnly(): void
  onExclude(): void
}

function FacetRow({ name, label, n, chosen, dimmed, before, whole, onOnly, onExclude }: FacetRowProps) {
  const clicked = (event: MouseEvent) => (event.altKey ? onExclude() : onOnly())
  return (
    <li className={cx('group flex h-7 items-center rounded-md pl-1 hover:bg-hover focus-within:bg-hover', chosen && 'bg-accent-soft!')}>
      {before}
      <button
        type="button"
        aria-pressed={chosen}
        onClick={clicked}
        className={cx('flex h-full min-w-0 flex-1 items-center gap-2 rounded-md px-1.5 text-left', dimmed && 'text-muted')}
        {...tip(`${whole === undefined ? '' : `${whole} · `}${chosen ? 'Show all again' : 'Only this; Alt-click leaves it out'}`, undefined, 'right')}
      >
        <span className="min-w-0 flex-1 truncate">{label}</span>
        <span className="nums text-xs text-muted group-focus-within:hidden group-hover:hidden">{n === undefined ? '' : count(n)}</span>
      </button>
      <button
        type="button"
        aria-label={`Leave out ${name}`}
        onClick={onExclude}
        className="hidden h-full w-7 shrink-0 place-items-center rounded-md text-muted group-focus-within:grid group-hover:grid hover:text-ink"
        {...tip(n === undefined ? 'Leave out' : `Leave out these ${exact(n)}`, undefined, 'right')}
      >
        <EyeOff aria-hidden className="size-3.5" />
      </button>
    </li>
  )
}

interface GroupProps {
  title: string
  children: ReactNode
  more?: ReactNode
  partial?: string
}

function Group({ title, children, more, partial }: GroupProps) {
  return (
    <section aria-label={`Filter by ${title.toLowerCase()}`} className="min-w-0">
      <h2 className="px-2.5 pb-1 text-xs font-semibold text-subtle">{title}</h2>
      <NotWhole why={partial} className="block px-2.5 pb-1 text-xs" />
      <ul>{children}</ul>
      {more}
    </section>
  )
}

/** Values that could not be counted. What is wrong with a query stands at the query. */
function Uncounted({ title, facet }: { title: string; facet: { error: unknown; refetch(): unknown } }) {
  if (refused(facet.error)) return null
  return (
    <section aria-label={`Filter by ${title.toLowerCase()}`} className="min-w-0">
      <h2 className="px-2.5 pb-1 text-xs font-semibold text-subtle">{title}</h2>
      <p className="px-2.5 text-xs text-muted" role="alert">
        Not counted: {reason(facet.error)}{' '}
        <button type="button" className="font-medium text-accent underline underline-offset-2" onClick={() => void facet.refetch()}>
          Try again
        </button>
      </p>
    </section>
  )
}

function Waiting({ lines }: { lines: number }) {
  return Array.from({ length: lines }, (_, i) => (
    <li key={i} className="flex h-7 items-center justify-between px-2.5">
      <Skeleton className={i % 2 ? 'h-3 w-20' : 'h-3 w-24'} />
      <Skeleton className="h-3 w-8" />
    </li>
  ))
}

export interface FacetsProps {
  filters: Filters
  actions: ExploreActions
  /** ms between readings while live. */
  refresh: number | false
  /** Nothing is asked yet. */
  wait: boolean
  anchor: number
}

/** Values under all filters but the one of the field itself, so that the others can still be chosen. */
function useFacet(field: 'level' | 'source' | 'pattern', { filters, refresh, wait, anchor }: FacetsProps, limit: number) {
  const own = { level: 'levels', source: 'source', pattern: 'pattern' }[field]
  return useQuery({ ...facetsQuery({ ...filters, [own]: undefined }, field, limit, anchor), enabled: !wait, refetchInterval: refresh })
}

function Levels(props: FacetsProps) {
  const facet = useFacet('level', props, 4)
  const { filters, actions } = props
  const shown = parseLevels(filters.levels)
  if (facet.isError && !facet.data) return <Uncounted title="Level" facet={facet} />
  const counts = new Map(facet.data?.fields.level?.map(({ value, count: n }) => [value, n]))
  return (
    <Group title="Level" partial={facet.data?.partial}>
      {LEVELS.toReversed().map((level) => {
        const on = shown.length === 0 || shown.includes(level)
        const alone = shown.length === 1 && shown[0] === level
        return (
          <FacetRow
            key={level}
            name={level}
            label={<span className={on ? LEVEL_TEXT[level] : undefined}>{level}</span>}
            n={facet.data ? (counts.get(level) ?? 0) : undefined}
            chosen={alone}
            dimmed={!on}
            before={<LevelCheck level={level} on={on} onToggle={() => actions.toggleLevel(level)} />}
            onOnly={() => (alone ? actions.set({ levels: undefined }) : actions.only('level', level))}
            onExclude={() => actions.exclude('level', level)}
          />
        )
      })}
    </Group>
  )
}

function LevelCheck({ level, on, onToggle }: { level: Level; on: boolean; onToggle: () => void }) {
  return (
    <button type="button" role="checkbox" aria-checked={on} aria-label={`Show ${level}`} onClick={onToggle} className="grid size-6 shrink-0 place-items-center rounded">
      <span aria-hidden className={cx('size-3 rounded-[3px]', on ? LEVEL_FILL[level] : 'border border-line-strong')} />
    </button>
  )
}

function useMore(facet: { data?: { fields: Record<string, FacetValue[]> } }, field: string, all: boolean): FacetValue[] {
  const values = facet.data?.fields[field] ?? []
  return all ? values : values.slice(0, SHORT)
}

function Sources(props: FacetsProps) {
  const [all, setAll] = useState(false)
  const facet = useFacet('source', props, all ? MOST : SHORT + 1)
  const { filters, actions } = props
  const values = useMore(facet, 'source', all)
  const more = (facet.data?.fields.source?.length ?? 0) > SHORT
  const chosenAbsent = filters.source !== undefined && facet.data && !values.some(({ value }) => value === filters.source)
  if (facet.isError && !facet.data) return <Uncounted title="Source" facet={facet} />
  const row = (value: string, n: number | undefined) => (
    <FacetRow
      key={value}
      name={plain(value, 80)}
      label={<LogText text={value} max={120} className="font-sans! text-[13px]!" />}
      n={n}
      chosen={filters.source === value}
      dimmed={filters.source !== undefined && filters.source !== value}
      onOnly={() => (filters.source === value ? actions.set({ source: undefined }) : actions.only('source', value))}
      onExclude={() => actions.exclude('source', value)}
    />
  )
  return (
    <Group title="Source" partial={facet.data?.partial} more={more && <MoreButton all={all} onToggle={() => setAll(!all)} />}>
      {chosenAbsent && filters.source !== undefined && row(filters.source, 0)}
      {facet.data ? values.map(({ value, count: n }) => row(value, n)) : <Waiting lines={8} />}
      {facet.data && values.length === 0 && <li className="px-2.5 py-1 text-xs text-muted">None</li>}
    </Group>
  )
}

function MoreButton({ all, onToggle }: { all: boolean; onToggle: () => void }) {
  return (
    <button type="button" onClick={onToggle} className="h-7 px-2.5 text-xs font-medium text-accent hover:underline">
      {all ? 'Fewer' : `More, up to ${MOST}`}
    </button>
  )
}

function Patterns(props: FacetsProps) {
  const facet = useFacet('pattern', props, 6)
  const { filters, actions } = props
  if (facet.isError && !facet.data) return <Uncounted title="Pattern" facet={facet} />
  if (facet.data?.fields.pattern?.length === 0) return null
  return (
    <Group title="Pattern" partial={facet.data?.partial}>
      {facet.data ? (
        (facet.data.fields.pattern ?? []).map(({ value, count: n, template }) => (
          <FacetRow
            key={value}
            name={`pattern ${plain(template ?? value, 80)}`}
            label={<Template text={template ?? value} className="text-[11.5px]!" />}
            whole={plain(template ?? value, 300)}
            n={n}
            chosen={filters.pattern === value}
            dimmed={filters.pattern !== undefined && filters.pattern !== value}
            onOnly={() => (filters.pattern === value ? actions.set({ pattern: undefined }) : actions.only('pattern', value))}
            onExclude={() => actions.exclude('pattern', value)}
          />
        ))
      ) : (
        <Waiting lines={6} />
      )}
    </Group>
  )
}

export const Facets = memo(function Facets(props: FacetsProps) {
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Levels {...props} />
      <Sources {...props} />
      <Patterns {...props} />
    </div>
  )
})
