//! The template of a pattern as text, with its variables marked.
import { Fragment } from 'react'
import { pieces } from '@/lib/hostile'
import { cx } from '@/lib/cx'
import { HOLE } from './holes'

export function Template({ text, className }: { text: string; className?: string }) {
  const parts = text.split(HOLE)
  return (
    <span className={cx('log-text', className)}>
      {parts.map((part, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- the parts of one template have no identity but their place
        <Fragment key={i}>
          {i > 0 && <span className="rounded-xs bg-accent-soft px-px text-accent">{HOLE}</span>}
          <Visible text={part} />
        </Fragment>
      ))}
    </span>
  )
}

export function Visible({ text }: { text: string }) {
  return pieces(text).map((piece, i) =>
    piece.hidden ? (
      // oxlint-disable-next-line react/no-array-index-key -- the pieces of one text have no identity but their place
      <span key={i} className="ctl">
        {piece.text}
      </span>
    ) : (
      piece.text
    ),
  )
}
