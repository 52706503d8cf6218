//! What the server could not read in a query, and where.
import { CircleAlert } from 'lucide-react'
import type { Refusal } from '@/api/client'
import { LogText } from '@/components/LogText'

export function QueryError({ id, query, refusal: { message, at } }: { id: string; query: string | undefined; refusal: Refusal }) {
  // The server counts characters, not UTF-16 units.
  const chars = [...(query ?? '')]
  return (
    <div id={id} role="alert" className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-bad/30 bg-bad-soft px-4 py-1.5 text-bad">
      <CircleAlert aria-hidden className="size-4 shrink-0" />
      <span className="min-w-0 break-words">{message.replace(/^q: /, '')}</span>
      {at !== undefined && chars.length > 0 && (
        <span className="log-text min-w-0 break-all text-ink">
          <LogText text={chars.slice(Math.max(0, at - 40), at).join('')} />
          <mark className="rounded-xs bg-bad px-0.5 text-bg">{chars[at] ?? '␣'}</mark>
          <LogText text={chars.slice(at + 1, at + 40).join('')} />
        </span>
      )}
    </div>
  )
}
