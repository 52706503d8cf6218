//! Which levels something has, as one thin bar; the words stand in its label.
import { LEVELS, type LevelCounts } from '@/api/types'
import { LEVEL_FILL } from '@/components/LevelTag'
import { cx } from '@/lib/cx'
import { percent } from '@/lib/format'

/** `error 62%, info 38%`: the largest first, without what isn't there. */
export function levelMixText(levels: LevelCounts): string {
  const total = LEVELS.reduce((sum, level) => sum + levels[level], 0)
  if (total === 0) return 'no lines'
  const there = LEVELS.filter((level) => levels[level] > 0).toSorted((a, b) => levels[b] - levels[a])
  return there.map((level) => `${level} ${percent(levels[level] / total, 0)}`).join(', ')
}

export function LevelMix({ levels, className }: { levels: LevelCounts; className?: string }) {
  const text = levelMixText(levels)
  return (
    <div title={text} className={cx('flex h-1.5 gap-px overflow-hidden rounded-full bg-raised', className)}>
      <span className="sr-only">{text}</span>
      {LEVELS.filter((level) => levels[level] > 0).map((level) => (
        <div key={level} className={cx('min-w-1', LEVEL_FILL[level])} style={{ flexGrow: levels[level], flexBasis: 0 }} />
      ))}
    </div>
  )
}
