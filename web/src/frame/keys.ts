//! Keys that work everywhere on a page: single letters, and `g` followed by a letter. Never while someone types.
import { useEffect, useRef, useSyncExternalStore } from 'react'

export interface Binding {
  /** As shown: `/`, `g o`, `Ctrl K`, `Esc`. */
  keys: string
  /** What it does, for the list behind `?`. */
  does: string
  /** Where it stands in that list. */
  group: string
  /** Returns false when it had nothing to do: the key then does what it always does. */
  run: (event: KeyboardEvent) => void | boolean
  /** Also while typing (with Ctrl, or Esc). */
  always?: boolean
}

const CHORD_MS = 1200
const NAMES: Record<string, string> = { Escape: 'Esc', ' ': 'Space', ArrowUp: '↑', ArrowDown: '↓' }

/** Its name in `Binding.keys`. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): string {
  const name = NAMES[event.key] ?? event.key
  if (event.ctrlKey || event.metaKey) return `Ctrl ${name.toUpperCase()}`
  return event.altKey ? `Alt ${name}` : name
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}

/** Enter and Space belong to the control that has the focus. */
function pressing(event: KeyboardEvent): boolean {
  if (event.key !== ' ' && event.key !== 'Enter') return false
  return event.target instanceof HTMLElement && event.target.closest('button, a, summary, [role="menuitem"], [role="option"]') !== null
}

/** Letters count in either case. */
function means(binding: Binding, wanted: string | null): boolean {
  return wanted !== null && binding.keys.toLowerCase() === wanted.toLowerCase()
}

function inSheet(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[role="menu"], [role="dialog"]:not([data-pane]), dialog, [popover]') !== null
}

export class Keys {
  private readonly bindings = new Set<Binding>()
  private readonly listeners = new Set<() => void>()
  private list: readonly Binding[] = []
  private prefix: { key: string; at: number } | null = null

  add(binding: Binding): () => void {
    this.bindings.add(binding)
    this.changed()
    return () => {
      this.bindings.delete(binding)
      this.changed()
    }
  }

  private changed(): void {
    this.list = [...this.bindings]
    for (const listener of this.listeners) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly all = (): readonly Binding[] => this.list

  /** Runs what is bound to the key; the newest binding first, so that a page may take a key of the frame. */
  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return
    const name = keyName(event)
    const busy = typing(event.target) || inSheet(event.target)
    const now = event.timeStamp
    const chord = this.prefix && now - this.prefix.at < CHORD_MS ? `${this.prefix.key} ${name}` : null
    this.prefix = null
    const usable = this.list.toReversed().filter((binding) => binding.always === true || !busy)
    const best = [...usable.filter((binding) => means(binding, chord)), ...usable.filter((binding) => means(binding, name))]
    if (!pressing(event) && best.some((binding) => binding.run(event) !== false)) {
      event.preventDefault()
      return
    }
    if (!busy && this.list.some((binding) => binding.keys.startsWith(`${name.toLowerCase()} `))) this.prefix = { key: name, at: now }
  }
}

export const keys = new Keys()

/** Binds keys for as long as the component is there. */
export function useKeys(bindings: readonly Binding[]): void {
  const latest = useRef(bindings)
  useEffect(() => {
    latest.current = bindings
  })
  // Bound anew only when what the list behind `?` shows changes; what they run is always the newest.
  const shape = JSON.stringify(bindings.map(({ keys: name, does, group, always }) => ({ keys: name, does, group, always })))
  useEffect(() => {
    const shown = JSON.parse(shape) as Omit<Binding, 'run'>[]
    const removals = shown.map((binding, i) => keys.add({ ...binding, run: (event) => latest.current[i]?.run(event) }))
    return () => removals.forEach((remove) => remove())
  }, [shape])
}

export function useAllKeys(): readonly Binding[] {
  return useSyncExternalStore(keys.subscribe, keys.all)
}
