//! The legend under a plot. It wraps and scrolls on its own, so that many or long names never push out of the panel.
import { plain } from '@/lib/hostile'
import type { NamedSeries } from './types'

export interface LegendProps {
  series: readonly NamedSeries[]
  hidden: ReadonlySet<string>
  /** What stands behind each name: the value at the crosshair, or the newest. */
  text(series: NamedSeries): string
  onToggle(key: string, isolate: boolean): void
  label: string
}

export function Legend({ series, hidden, text, onToggle, label }: LegendProps) {
  return (
    <ul aria-label={label} className="flex flex-wrap content-start h-full gap-x-1 overflow-y-auto overscroll-contain">
      {series.map((one) => {
        const off = hidden.has(one.key)
        const name = plain(one.label, 64)
        return (
          <li key={one.key} className="max-w-full min-w-0">
            <button
              type="button"
              aria-pressed={!off}
              title={`${name}: click hides or shows, Alt-click shows it alone`}
              onClick={(event) => onToggle(one.key, event.altKey)}
              className={`flex h-5.5 max-w-full items-center gap-1.5 rounded-md px-1.5 text-xs hover:bg-hover ${off ? 'text-subtle line-through' : 'text-ink'}`}
            >
              <span
                aria-hidden="true"
                className="size-2 shrink-0 rounded-full border"
                style={{ borderColor: `var(--${one.token})`, background: off ? 'transparent' : `var(--${one.token})` }}
              />
              <span className="truncate">{name}</span>
              <span className="nums min-w-[3ch] text-left text-muted">{off ? '' : text(one)}</span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
