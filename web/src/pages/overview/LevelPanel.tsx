//! How the range is made up by level; each level leads to its lines.
import { Link } from '@/frame/Link'
import { LEVELS } from '@/api/types'
import { NotWhole } from '@/components/NotWhole'
import { BarList, Panel, PanelFailure } from '@/components/charts'
import { LEVEL_TEXT } from '@/components/LevelTag'
import { Skeleton } from '@/components/ui/skeleton'
import { cx } from '@/lib/cx'
import { counted } from '@/lib/format'
import { ordered, sum } from '@/lib/series'
import type { Timeline } from './stretch'
import type { Asked } from './use-overview'

export function LevelPanel({ since, asked }: { since: number; asked: Asked<Timeline> }) {
  const { data, error, retry } = asked
  const items = data && ordered(data, LEVELS).toReversed()
  const total = items?.reduce((all, { counts }) => all + sum(counts), 0) ?? 0
  return (
    <Panel title="By level" remark={data && (data.partial === undefined ? counted(total, 'event') : <NotWhole why={data.partial} />)}>
      <div className="min-h-46 px-4 pt-2 pb-3">
        {items ? (
          <BarList
            label="Events by level"
            items={items.map(({ key, counts }) => ({
              key,
              name: (
                <Link to="/explore" search={{ levels: key, since }} className={cx('font-medium hover:underline', LEVEL_TEXT[key as keyof typeof LEVEL_TEXT])}>
                  {key}
                </Link>
              ),
              value: sum(counts),
              token: `${key}-fill`,
            }))}
          />
        ) : error ? (
          <PanelFailure error={error} retry={retry} className="h-36" />
        ) : (
          <div className="flex flex-col gap-4">
            {LEVELS.map((level) => (
              <Skeleton key={level} className="h-4" />
            ))}
          </div>
        )}
      </div>
    </Panel>
  )
}
