//! A line of a sheet that is on or off.
import { Check } from 'lucide-react'
import type { ReactNode } from 'react'

export function CheckItem({ on, onToggle, children }: { on: boolean; onToggle: () => void; children: ReactNode }) {
  return (
    <button type="button" role="checkbox" aria-checked={on} onClick={onToggle} className="flex h-8 w-full items-center gap-2.5 rounded-md px-2 text-left hover:bg-hover">
      <span aria-hidden className={`grid size-4 shrink-0 place-items-center rounded-sm border ${on ? 'border-accent-solid bg-accent-solid text-on-accent' : 'border-line-strong'}`}>
        {on && <Check className="size-3" strokeWidth={3} />}
      </span>
      <span className="min-w-0 truncate">{children}</span>
    </button>
  )
}
