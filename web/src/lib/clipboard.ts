//! Puts text on the clipboard. Browsers give it to secure origins alone; a page that came over plain HTTP from another machine is none.

export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard === undefined) return copySelected(text)
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copySelected(text)
  }
}

/** The way before there was a clipboard to ask: what is selected is copied. */
function copySelected(text: string): boolean {
  const box = document.createElement('textarea')
  const focused = document.activeElement
  box.value = text
  box.className = 'sr-only'
  document.body.append(box)
  box.select()
  // oxlint-disable-next-line typescript/no-deprecated -- nothing else copies on an origin that isn't secure
  const done = document.execCommand('copy')
  box.remove()
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true })
  return done
}
