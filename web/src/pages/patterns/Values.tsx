//! The template large, and what stood for each of its variables in the newest lines.
import { useState } from 'react'
import { HOLE, Visible } from '@/components/charts'
import { cx } from '@/lib/cx'
import { exact } from '@/lib/format'
import { cut } from '@/lib/hostile'
import { holeValues, type HoleValues } from './align'

const MOST = 5

export interface ValuesProps {
  template: string
  messages: readonly string[]
}

/** Hovering, focusing or pressing a variable shows its values; the first one's stand there before. */
export function Values({ template, messages }: ValuesProps) {
  const [hole, setHole] = useState(0)
  const found = holeValues(template, messages)
  const parts = template.split(HOLE)
  return (
    <div className="min-w-0">
      <p className="log-text max-h-40 overflow-y-auto rounded-lg border border-line bg-bg px-3 py-2 text-[12.5px] leading-6 wrap-anywhere text-ink">
        {parts.map((part, i) => (
          // oxlint-disable-next-line react/no-array-index-key -- the parts of one template have no identity but their place
          <span key={i}>
            {i > 0 && (
              <button
                type="button"
                aria-pressed={hole === i - 1}
                aria-label={`Variable ${i}: show its values`}
                onPointerEnter={() => setHole(i - 1)}
                onFocus={() => setHole(i - 1)}
                onClick={() => setHole(i - 1)}
                className="rounded bg-accent-soft px-1 leading-5 text-accent aria-pressed:bg-accent-solid aria-pressed:text-on-accent"
              >
                {HOLE}
              </button>
            )}
            <Visible text={part} />
          </span>
        ))}
      </p>
      {parts.length > 1 && (
        <HoleList values={found[Math.min(hole, found.length - 1)]} number={hole + 1} asked={messages.length} lines={Math.max(1, ...found.map(({ values }) => Math.min(MOST, values.length)))} />
      )}
    </div>
  )
}

interface HoleListProps {
  values: HoleValues | undefined
  number: number
  /** How many messages were looked at. */
  asked: number
  /** Room for so many values, whichever variable is shown: nothing below moves. */
  lines: number
}

function HoleList({ values, number, asked, lines }: HoleListProps) {
  const shown = values?.values.slice(0, MOST) ?? []
  const told = values?.told ?? 0
  return (
    <section aria-label={`Values of variable ${number}`} className="mt-2" style={{ minHeight: 24 + lines * 26 }}>
      <h2 className="flex text-xs text-muted">
        Variable {number} in {told === 1 ? 'one line' : `the newest ${exact(told)} lines`}
        <span className="nums ml-auto">{values && values.values.length > 0 && `${exact(values.values.length)} different`}</span>
      </h2>
      {told === 0 && <p className="mt-2 text-xs text-muted">{asked === 0 ? 'No lines in this range.' : 'The stored lines don’t show it: they are of other forms of this pattern.'}</p>}
      <ul className="mt-1.5 flex flex-col gap-1">
        {shown.map(({ value, count }) => (
          <li key={value} className="relative flex h-5.5 min-w-0 items-center gap-3 overflow-hidden rounded px-2 text-xs">
            <span aria-hidden="true" className="absolute inset-y-0 left-0 rounded bg-accent-soft" style={{ width: `${(count / told) * 100}%` }} />
            <span className={cx('log-text relative min-w-0 flex-1 truncate', value === '' ? 'text-muted italic' : 'text-ink')}>
              {value === '' ? 'empty' : <Visible text={cut(value, 200)} />}
            </span>
            <span className="nums relative shrink-0 text-muted">{exact(count)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
