//! Which series of a chart are hidden, and what a click in the legend makes of it.

/** A click hides or shows one; with `isolate` it alone stays, and once more brings all back. Never hides everything. */
export function clicked(hidden: ReadonlySet<string>, keys: readonly string[], key: string, isolate: boolean): Set<string> {
  const others = keys.filter((one) => one !== key)
  if (isolate) {
    const alone = !hidden.has(key) && others.every((one) => hidden.has(one))
    return new Set(alone ? [] : others)
  }
  const next = new Set(keys.filter((one) => hidden.has(one)))
  if (!next.delete(key)) next.add(key)
  return next.size === keys.length ? new Set() : next
}
