//! Waiting for something, never for a time: asked again and again, up to a bound.

const PAUSE_MS = 50

/** Waits until `check` is true; after `ms` fails with what was waited for, and with what `more` says. */
export async function until(what, ms, check, more = () => '') {
  const end = performance.now() + ms
  for (;;) {
    if (await check()) return
    if (performance.now() > end) throw new Error(`waited ${ms} ms for ${what}. ${more()}`)
    await new Promise((done) => setTimeout(done, PAUSE_MS))
  }
}
