//! A chart by keyboard: arrows walk over the buckets, with Shift they select, Enter zooms into the selection.

export interface Walk {
  at: number | null
  /** Where a selection began; null without one. */
  anchor: number | null
}

export interface Step extends Walk {
  /** The stretch to zoom into, both ends included. */
  zoom?: readonly [number, number]
}

interface Key {
  key: string
  shiftKey: boolean
}

const MOVES: Record<string, (at: number, last: number) => number> = {
  ArrowLeft: (at) => at - 1,
  ArrowRight: (at) => at + 1,
  PageUp: (at, last) => at - Math.max(1, Math.round(last / 10)),
  PageDown: (at, last) => at + Math.max(1, Math.round(last / 10)),
  Home: () => 0,
  End: (_, last) => last,
}

/** What a key does; null when the chart has no use for it. */
export function walked({ at, anchor }: Walk, { key, shiftKey }: Key, length: number, canZoom: boolean): Step | null {
  const last = length - 1
  if (last < 0) return null
  const move = MOVES[key]
  if (move) {
    const from = at ?? last
    const next = at === null && key !== 'Home' ? last : Math.max(0, Math.min(last, move(from, last)))
    return { at: next, anchor: shiftKey && canZoom ? (anchor ?? from) : null }
  }
  if (key === 'Escape' && (at !== null || anchor !== null)) return { at: null, anchor: null }
  if (key === 'Enter' && canZoom && at !== null && anchor !== null) {
    return { at: null, anchor: null, zoom: [Math.min(at, anchor), Math.max(at, anchor)] }
  }
  return null
}
