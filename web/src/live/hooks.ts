//! The live store as components read it.
import { live } from './live'
import { useSignal } from './signal'
import type { Connection } from './store'

export function useConnection(): Connection {
  useSignal(live.connectionChanged)
  return live.connection
}

/** Events a second over the last few whole seconds, whatever the filters; null until a second was told. */
export function useLiveRate(): number | null {
  useSignal(live.secondsChanged)
  return live.seconds.rate(3)
}
