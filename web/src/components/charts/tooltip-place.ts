//! Where a tooltip stands: beside the crosshair, always within its chart.

export interface Box {
  width: number
  height: number
}

const GAP = 14

/** Left and top of a tooltip beside `x`, on the side with room, moved back where it would leave `area`. */
export function place(x: number, y: number, tip: Box, area: Box): { left: number; top: number } {
  const right = x + GAP
  const left = right + tip.width <= area.width ? right : x - GAP - tip.width
  return {
    left: Math.max(0, Math.min(left, area.width - tip.width)),
    top: Math.max(0, Math.min(y - tip.height / 2, area.height - tip.height)),
  }
}

/** How many rows find room in so many pixels, with at least one. */
export function rowsThatFit(height: number, row: number, rest: number): number {
  return Math.max(1, Math.floor((height - rest) / row))
}
