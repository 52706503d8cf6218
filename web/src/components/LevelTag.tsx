//! A level, as text in its colour: the colour never says it alone.
import type { Level } from '@/api/types'
import { cx } from '@/lib/cx'

export const LEVEL_TEXT: Record<Level, string> = { debug: 'text-debug', info: 'text-info', warn: 'text-warn', error: 'text-error' }
export const LEVEL_FILL: Record<Level, string> = { debug: 'bg-debug-fill', info: 'bg-info-fill', warn: 'bg-warn-fill', error: 'bg-error-fill' }

export function LevelTag({ level, className }: { level: Level; className?: string }) {
  return <span className={cx('font-mono text-[11.5px] leading-none font-semibold uppercase', LEVEL_TEXT[level], className)}>{level}</span>
}
