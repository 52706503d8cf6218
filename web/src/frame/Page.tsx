//! What every page has: a bar at the top with its name or its tools, the state of the stream at the right, and its content below.
import { useEffect, type ReactNode } from 'react'
import { LiveBadge } from './LiveBadge'

export interface PageProps {
  title: string
  /** Tools of the bar; the title is then for screen readers alone where `hideTitle` is set. */
  bar?: ReactNode
  hideTitle?: boolean
  /** Content that scrolls as a whole; else the page arranges its own scrolling. */
  scroll?: boolean
  children: ReactNode
}

export function Page({ title, bar, hideTitle = false, scroll = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Whittle`
  }, [title])
  return (
    <main id="main" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
      <header className="flex min-h-13 shrink-0 flex-wrap items-center gap-2 border-b border-line px-4 py-2 max-sm:px-3">
        <h1 className={hideTitle ? 'sr-only' : 'mr-2 text-[15px] font-semibold tracking-tight'}>{title}</h1>
        {bar}
        <div className={hideTitle ? 'ml-auto max-sm:hidden' : 'ml-auto'}>
          <LiveBadge />
        </div>
      </header>
      <div className={scroll ? 'min-h-0 flex-1 overflow-x-hidden overflow-y-auto' : 'flex min-h-0 flex-1 flex-col'}>{children}</div>
    </main>
  )
}
