//! Colours for sources: a source keeps its colour for as long as it is shown, whoever comes and goes beside it.

const TOKENS = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const
export const OTHER_TOKEN = 'c7'

/** Remembers who has which colour. */
export class ColourBook {
  private colours: ReadonlyMap<string, string> = new Map()

  of(names: readonly string[]): ReadonlyMap<string, string> {
    this.colours = assigned(names, this.colours)
    return this.colours
  }
}

/** Tokens for at most seven names: those that had one keep it, new ones take the first that is free. */
export function assigned(names: readonly string[], before: ReadonlyMap<string, string>): Map<string, string> {
  const kept = new Map<string, string>()
  for (const name of names) {
    const token = before.get(name)
    if (token !== undefined) kept.set(name, token)
  }
  const taken = new Set(kept.values())
  const free = TOKENS.filter((token) => !taken.has(token))
  for (const name of names) {
    if (!kept.has(name)) kept.set(name, free.shift() ?? OTHER_TOKEN)
  }
  return kept
}
