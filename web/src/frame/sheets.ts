//! Which of the frame's sheets is open: the command palette or the list of keys.
import { useSyncExternalStore } from 'react'

export type Sheet = 'palette' | 'keys'

let open: Sheet | null = null
const listeners = new Set<() => void>()

function set(sheet: Sheet | null): void {
  open = sheet
  for (const listener of listeners) listener()
}

export function openSheet(sheet: Sheet): void {
  set(open === sheet ? null : sheet)
}

export function closeSheet(): void {
  set(null)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useSheet(): Sheet | null {
  return useSyncExternalStore(subscribe, () => open)
}
