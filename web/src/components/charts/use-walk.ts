//! A plot by keyboard: moves its crosshair and selection, and zooms.
import { useRef, type KeyboardEvent, type RefObject } from 'react'
import { walked, type Walk } from './keys'
import type { Plot } from './plot'
import type { Model } from './types'

export interface Walker {
  at: number | null
  last: number
  /** Puts the crosshair on a bucket, without a selection. */
  go(at: number | null): void
  onKeyDown(event: KeyboardEvent): void
  /** What the keys do. */
  help: string
}

export function useWalk(model: Model, plot: RefObject<Plot | null>, at: number | null, onZoom?: (from: number, to: number) => void): Walker {
  const anchor = useRef<number | null>(null)
  const move = (next: Walk) => {
    anchor.current = next.anchor
    plot.current?.point(next.at)
    plot.current?.mark(next.anchor === null || next.at === null ? null : [next.anchor, next.at])
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const step = walked({ at, anchor: anchor.current }, event, model.times.length, onZoom !== undefined)
    if (!step) return
    event.preventDefault()
    event.stopPropagation()
    move(step)
    if (!step.zoom) return
    const [from, to] = step.zoom.map((index) => model.times[index] ?? 0)
    onZoom?.(from ?? 0, (to ?? 0) + model.stepMs)
  }
  return {
    at,
    last: Math.max(0, model.times.length - 1),
    go: (next) => move({ at: next, anchor: null }),
    onKeyDown,
    help: `Arrow keys move${onZoom ? ', with Shift they select, Enter zooms in' : ''}`,
  }
}
