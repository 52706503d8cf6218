//! What was searched for before, in this browser.
import { StoredList } from '@/lib/stored-list'

export const recentQueries = new StoredList<string>('whittle.queries', 12, (item): item is string => typeof item === 'string' && item.length <= 500)

export function rememberQuery(text: string): void {
  const query = text.trim()
  if (query === '') return
  recentQueries.set([query, ...recentQueries.get().filter((one) => one !== query)])
}
