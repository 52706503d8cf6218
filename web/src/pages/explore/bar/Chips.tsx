//! The filters that stand beside the text of a query, each with a way to take it off.
import { X } from 'lucide-react'
import { plain } from '@/lib/hostile'
import { parseLevels, type ExploreSearch } from '@/lib/search-params'

export interface Chip {
  filter: 'levels' | 'source' | 'pattern'
  text: string
}

export function chipsOf({ levels, source, pattern }: ExploreSearch): Chip[] {
  const chips: Chip[] = []
  const shown = parseLevels(levels)
  if (shown.length > 0) chips.push({ filter: 'levels', text: `level: ${shown.join(', ')}` })
  if (source !== undefined) chips.push({ filter: 'source', text: `source: ${plain(source, 40)}` })
  if (pattern !== undefined) chips.push({ filter: 'pattern', text: `pattern: ${pattern.slice(0, 8)}…` })
  return chips
}

export function ChipView({ text, onRemove }: { text: string; onRemove: () => void }) {
  return (
    <span className="inline-flex h-6 max-w-56 shrink-0 items-center gap-1 rounded bg-accent-soft pr-0.5 pl-2 text-xs">
      <span className="truncate">{text}</span>
      <button type="button" aria-label={`Remove ${text}`} onClick={onRemove} className="grid size-5 place-items-center rounded text-muted hover:bg-hover hover:text-ink">
        <X aria-hidden className="size-3" />
      </button>
    </span>
  )
}
