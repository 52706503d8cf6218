//! The fields of a line: each can be copied, searched for and left out.
import { EyeOff, Filter } from 'lucide-react'
import { LogText } from '@/components/LogText'
import { CopyButton } from '@/components/ui/copy'
import { IconButton } from '@/components/ui/button'
import { dateTime } from '@/lib/format'
import { plain } from '@/lib/hostile'
import { readExtra, type TableRow } from '@/live/rows'
import { flatFields } from '../table/columns'
import type { ExploreActions } from '../use-explore'

interface Field {
  path: string
  value: string
  /** Can lines be searched by it? */
  filter: boolean
}

/** Longest value that makes sense as a condition. */
const MOST_FILTER = 500

function fieldsOf(row: TableRow): Field[] {
  const { context, levelText } = readExtra(row.extra)
  return [
    { path: 'level', value: row.level, filter: true },
    ...(levelText === undefined || levelText.toLowerCase() === row.level ? [] : [{ path: 'level as sent', value: levelText, filter: false }]),
    { path: 'source', value: row.source, filter: true },
    { path: 'received', value: dateTime(row.received), filter: false },
    { path: 'pattern', value: row.patternId, filter: true },
    ...flatFields(context).map(({ path, value }) => ({ path, value, filter: value !== '' && value.length <= MOST_FILTER })),
  ]
}

export function Fields({ row, actions }: { row: TableRow; actions: ExploreActions }) {
  return (
    <section aria-label="Fields">
      <h2 className="mb-1 text-xs font-semibold text-subtle">Fields</h2>
      <dl>
        {fieldsOf(row).map(({ path, value, filter }) => (
          <div key={path} className="group relative -mx-2 grid min-h-7 grid-cols-[minmax(88px,34%)_minmax(0,1fr)] items-start gap-x-3 rounded-md px-2 py-1 hover:bg-hover focus-within:bg-hover">
            <dt className="min-w-0 break-words text-muted">
              <LogText text={path} max={120} className="font-sans! text-[13px]!" />
            </dt>
            <dd className="min-w-0 break-all">
              <LogText text={value} max={1000} />
            </dd>
            <dd className="absolute top-0 right-1 flex rounded-md bg-hover opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
              {filter && (
                <>
                  <IconButton label={`Only ${plain(path, 40)} like this`} small onClick={() => actions.only(path, value)}>
                    <Filter aria-hidden className="size-3.5" />
                  </IconButton>
                  <IconButton label={`Leave out ${plain(path, 40)} like this`} small onClick={() => actions.exclude(path, value)}>
                    <EyeOff aria-hidden className="size-3.5" />
                  </IconButton>
                </>
              )}
              <CopyButton label={`Copy ${plain(path, 40)}`} text={() => value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
