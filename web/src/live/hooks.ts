//! The live store as components read it.
import { live } from './live'
import { useSignal } from './signal'
import type { Connection } from './store'

export function useConnection(): Connection {
  useSignal(live.connectionChanged)
  return live.connection
}

/** Events a second over the last few whole seconds, whatever the filters; null until a second was told. */
export function useLiveRate(over = 3): number | null {
  useSignal(live.secondsChanged)
  const { last } = live.seconds
  if (last === undefined) return null
  let sum = 0
  for (let second = last - over + 1; second <= last; second++) sum += live.seconds.total(second)
  return sum / over
}
