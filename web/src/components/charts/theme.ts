//! Colours of the style sheet for what is drawn on a canvas: read once a theme, again when it changes.
/** Looks colours up by token; keeps what it found, since asking the style sheet costs a layout. */
export class Colours {
  private readonly style = getComputedStyle(document.documentElement)
  private readonly found = new Map<string, string>()

  constructor(readonly theme: string) {}

  get(token: string): string {
    const known = this.found.get(token)
    if (known !== undefined) return known
    const colour = this.style.getPropertyValue(`--${token}`).trim() || '#888888'
    this.found.set(token, colour)
    return colour
  }
}
