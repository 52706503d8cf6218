//! Where a small box goes beside the thing it belongs to, inside the window.

export type Side = 'top' | 'right' | 'bottom' | 'left'
export type Align = 'start' | 'center' | 'end'

export interface Box {
  left: number
  top: number
  width: number
  height: number
}

export interface Size {
  width: number
  height: number
}

const GAP = 6
const MARGIN = 8
const OPPOSITE: Record<Side, Side> = { top: 'bottom', bottom: 'top', left: 'right', right: 'left' }

function along(start: number, length: number, own: number, align: Align): number {
  if (align === 'start') return start
  return align === 'end' ? start + length - own : start + (length - own) / 2
}

function within(at: number, own: number, length: number): number {
  return Math.max(MARGIN, Math.min(at, length - own - MARGIN))
}

function room(anchor: Box, side: Side, view: Size): number {
  if (side === 'top') return anchor.top
  if (side === 'bottom') return view.height - anchor.top - anchor.height
  return side === 'left' ? anchor.left : view.width - anchor.left - anchor.width
}

/** The corner of a box of `own` size at a side of `anchor`; at the other side where there is more room there. */
export function besides(anchor: Box, own: Size, side: Side, view: Size, align: Align = 'center'): { left: number; top: number } {
  const upright = side === 'top' || side === 'bottom'
  const needed = (upright ? own.height : own.width) + GAP + MARGIN
  const other = OPPOSITE[side]
  const at = room(anchor, side, view) < needed && room(anchor, other, view) > room(anchor, side, view) ? other : side
  if (upright) {
    const top = at === 'top' ? anchor.top - own.height - GAP : anchor.top + anchor.height + GAP
    return { left: within(along(anchor.left, anchor.width, own.width, align), own.width, view.width), top: within(top, own.height, view.height) }
  }
  const left = at === 'left' ? anchor.left - own.width - GAP : anchor.left + anchor.width + GAP
  return { left: within(left, own.width, view.width), top: within(along(anchor.top, anchor.height, own.height, align), own.height, view.height) }
}
