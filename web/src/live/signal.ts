//! A number that changes when something else did: what `useSyncExternalStore` watches.
import { useSyncExternalStore } from 'react'

export class Signal {
  private version = 0
  private stale = false
  private readonly listeners = new Set<() => void>()

  constructor() {
    // A hidden tab renders nothing; it catches up once when it is seen again.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.stale) this.bump()
    })
  }

  bump(): void {
    this.stale = document.hidden
    if (this.stale) return
    this.version++
    for (const listener of this.listeners) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly get = (): number => this.version
}

export function useSignal(signal: Signal): number {
  return useSyncExternalStore(signal.subscribe, signal.get)
}
