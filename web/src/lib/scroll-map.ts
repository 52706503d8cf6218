//! Where a list is scrolled to, when it is taller than an element may be.
//!
//! Browsers cap the height of an element (Chromium at 33.5 million px, less elsewhere). Below `MOST` the scroll position is the position in
//! the list. Above, small moves go on pixel by pixel, and large ones (the scroll bar, Home and End) are taken as a share of the whole.
//! Within some screens of both ends places are the same in the list and in the element, so that the ends are reached like anywhere else.

export class ScrollMap {
  /** px that an element gets at most. */
  static readonly MOST = 8_000_000

  private position = 0
  private scrolled = 0
  private virtual = 0
  private view = 0

  /** Height that the content element gets. */
  get height(): number {
    return Math.min(this.virtual, ScrollMap.MOST)
  }

  /** The top of what is seen, in px of the whole list. */
  get top(): number {
    return this.position
  }

  /** What is added to a place in the list to get a place in the content element. */
  get shift(): number {
    return this.scrolled - this.position
  }

  /** Where the element stands, as far as is known here. */
  get scrolledTo(): number {
    return this.scrolled
  }

  private get most(): number {
    return Math.max(0, this.virtual - this.view)
  }

  private get mostScrolled(): number {
    return Math.max(0, this.height - this.view)
  }

  private clamp(position: number): number {
    return Math.max(0, Math.min(position, this.most))
  }

  private get zone(): number {
    return 8 * this.view
  }

  /** From a place in `of` px to the same place in `into` px: equal near both ends, by share between. */
  private map(place: number, of: number, into: number): number {
    const { zone } = this
    if (of === into || place <= zone) return place
    if (of - place <= zone) return into - (of - place)
    return zone + ((place - zone) / (of - 2 * zone)) * (into - 2 * zone)
  }

  /** New sizes, in px; returns the scroll position that the element should have. */
  resize(virtual: number, view: number): number {
    this.virtual = virtual
    this.view = view
    return this.moveTo(this.position)
  }

  /** The element was scrolled by a person. Returns where it must be put instead, or null where it may stay. */
  scroll(to: number): number | null {
    const by = to - this.scrolled
    if (this.virtual <= ScrollMap.MOST || Math.abs(by) > 2 * this.view) {
      this.position = this.clamp(this.map(to, this.mostScrolled, this.most))
      this.scrolled = to
      return null
    }
    this.position = this.clamp(this.position + by)
    this.scrolled = to
    // Near an end of the element that isn't the end of the list, the way on would be blocked.
    const blocked = (to < this.view && this.position > to) || (this.mostScrolled - to < this.view && this.most - this.position > this.mostScrolled - to)
    return blocked ? this.moveTo(this.position) : null
  }

  /** Goes to a place in the list; returns the scroll position for it. */
  moveTo(position: number): number {
    this.position = this.clamp(position)
    this.scrolled = this.map(this.position, this.most, this.mostScrolled)
    return this.scrolled
  }
}

/** The rows to render: those in sight and some on each side. `end` is exclusive. */
export function rowsInSight(top: number, view: number, rowHeight: number, count: number, spare: number): { start: number; end: number } {
  const start = Math.max(0, Math.floor(top / rowHeight) - spare)
  const end = Math.min(count, Math.ceil((top + view) / rowHeight) + spare)
  return { start: Math.min(start, end), end }
}
