//! Log text is written by strangers. Here what can't be seen, or would reorder what can, is made visible.

/** A stretch of text; `hidden` stretches stand for a character that is not printed as itself. */
export interface Piece {
  text: string
  hidden: boolean
}

// C0 and C1 controls, zero-width and bidirectional characters, separators, interlinear marks, byte order mark, tags.
// oxlint-disable-next-line no-control-regex -- finding control characters is the purpose
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

const CONTROLS =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(' ')

/** How one such character is shown: `‹ESC›` for the old controls by name (few fonts have their pictures), else `‹U+202E›`. */
export function visible(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code === 0x0a) return '↵'
  if (code === 0x09) return '⇥'
  if (code < 0x20) return `‹${CONTROLS[code]}›`
  if (code === 0x7f) return '‹DEL›'
  return `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`
}

/** Splits text into what prints as itself and what does not. `keepLines` leaves line ends and tabs as they are. */
export function pieces(text: string, keepLines = false): Piece[] {
  const found: Piece[] = []
  let from = 0
  for (const match of text.matchAll(HIDDEN)) {
    const char = match[0]
    if (keepLines && (char === '\n' || char === '\t')) continue
    if (match.index > from) found.push({ text: text.slice(from, match.index), hidden: false })
    found.push({ text: visible(char), hidden: true })
    from = match.index + char.length
  }
  if (from < text.length) found.push({ text: text.slice(from), hidden: false })
  return found
}

/** Cuts without splitting a surrogate pair. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length)
}

/** Plain text with everything hidden made visible, for places that take a string alone. */
export function plain(text: string, length = 500): string {
  return pieces(cut(text, length))
    .map((piece) => piece.text)
    .join('')
}
