//! The size of an element and how far it is scrolled.
import { useCallback, useLayoutEffect, useState, type RefObject } from 'react'

export interface BoxState {
  width: number
  height: number
  /** In whole steps, so that a scroll within one renders nothing. */
  scrollTop: number
  onScroll(): void
}

export function useBox(element: RefObject<HTMLElement | null>, step: number): BoxState {
  const [size, setSize] = useState({ width: 1000, height: 800 })
  const [scrollTop, setScrollTop] = useState(0)
  useLayoutEffect(() => {
    const box = element.current
    if (!box) return
    const measure = () => {
      // What isn't displayed has no size; then the last one stands.
      if (box.clientWidth > 0) setSize({ width: box.clientWidth, height: box.clientHeight })
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(box)
    return () => observer.disconnect()
  }, [element])
  const onScroll = useCallback(() => {
    setScrollTop(Math.floor((element.current?.scrollTop ?? 0) / step) * step)
  }, [element, step])
  return { ...size, scrollTop, onScroll }
}
