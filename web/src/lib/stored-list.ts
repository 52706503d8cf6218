//! A short list that this browser remembers: earlier queries, saved views. Without storage it lasts as long as the page.
import { useSyncExternalStore } from 'react'

export class StoredList<T> {
  private items: readonly T[] | null = null
  private readonly listeners = new Set<() => void>()

  constructor(
    private readonly key: string,
    private readonly most: number,
    private readonly valid: (item: unknown) => item is T,
  ) {}

  readonly get = (): readonly T[] => (this.items ??= this.read())

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Newest first; what is beyond the limit goes. */
  set(items: readonly T[]): void {
    this.items = items.slice(0, this.most)
    try {
      localStorage.setItem(this.key, JSON.stringify(this.items))
    } catch {
      // Storage may be full or switched off.
    }
    for (const listener of this.listeners) listener()
  }

  private read(): T[] {
    try {
      const found: unknown = JSON.parse(localStorage.getItem(this.key) ?? '[]')
      return Array.isArray(found) ? found.filter((item) => this.valid(item)).slice(0, this.most) : []
    } catch {
      return []
    }
  }
}

export function useStoredList<T>(list: StoredList<T>): readonly T[] {
  return useSyncExternalStore(list.subscribe, list.get)
}
