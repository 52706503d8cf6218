//! The scroll position of the grid and the place in its list, kept together.
import { useCallback, useLayoutEffect, useRef, useState } from 'react'
import { ScrollMap } from '@/lib/scroll-map'

/** Heights in px: of the head of the table, and of what stands below its last row. */
const HEADER = 30
const TAIL = 44

/** What is seen: from `top` of the list, `view` px of it; `shift` as in `ScrollMap`. */
interface Sight {
  top: number
  shift: number
  view: number
}

/** Keeps the scroll position of the element and the place in the list together. */
export function useScroll(count: number, rowHeight: number, tail: boolean) {
  const element = useRef<HTMLDivElement>(null)
  const map = useRef<ScrollMap>(null)
  const [sight, setSight] = useState<Sight>({ top: 0, shift: 0, view: 600 })

  const read = useCallback((view: number) => {
    const { top, shift } = map.current ?? { top: 0, shift: 0 }
    setSight((before) => (before.top === top && before.shift === shift && before.view === view ? before : { top, shift, view }))
  }, [])

  const put = useCallback(
    (scrolled: number) => {
      const grid = element.current
      if (!grid) return
      if (Math.abs(grid.scrollTop - scrolled) >= 1) grid.scrollTop = scrolled
      read(grid.clientHeight - HEADER)
    },
    [read],
  )

  const virtual = count * rowHeight + (tail ? TAIL : 0)
  useLayoutEffect(() => {
    const grid = element.current
    if (!grid) return
    map.current ??= new ScrollMap()
    const fit = () => put(map.current?.resize(virtual, grid.clientHeight - HEADER) ?? 0)
    fit()
    const resized = new ResizeObserver(fit)
    resized.observe(grid)
    return () => resized.disconnect()
  }, [virtual, put])

  const goTo = useCallback((position: number) => put(map.current?.moveTo(position) ?? 0), [put])

  /** Returns whether a person scrolled. */
  const scrolled = useCallback((): boolean => {
    const grid = element.current
    if (!grid || !map.current) return false
    if (Math.abs(grid.scrollTop - map.current.scrolledTo) < 1) return false
    const elsewhere = map.current.scroll(grid.scrollTop)
    if (elsewhere !== null) grid.scrollTop = elsewhere
    read(grid.clientHeight - HEADER)
    return true
  }, [read])

  return { element, sight, goTo, scrolled, height: Math.min(virtual, ScrollMap.MOST) }
}
