//! Text from a log line: never markup, never a link, and what can't be seen is shown.
import { memo } from 'react'
import { cx } from '@/lib/cx'
import { cut, pieces } from '@/lib/hostile'

export interface LogTextProps {
  text: string
  /** Characters shown at most; what was cut off is told by an ellipsis. */
  max?: number
  /** Line ends and tabs stay as they are. */
  lines?: boolean
  className?: string
}

export const LogText = memo(function LogText({ text, max = 2000, lines = false, className }: LogTextProps) {
  const shown = cut(text, max)
  const parts = pieces(shown, lines)
  const whole = parts.length === 1 && parts[0]?.hidden === false
  return (
    <span className={cx('log-text', className)}>
      {whole
        ? shown
        : parts.map((part, i) =>
            part.hidden ? (
              // oxlint-disable-next-line react/no-array-index-key -- the pieces of one text have no identity but their place
              <span key={i} className="ctl">
                {part.text}
              </span>
            ) : (
              part.text
            ),
          )}
      {shown.length < text.length && '…'}
    </span>
  )
})
