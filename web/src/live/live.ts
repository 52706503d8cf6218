//! The one live store of the page.
import type { FromWorker, ToWorker } from './messages'
import { LiveStore, type Port } from './store'

function gatewayUrl(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`
}

function port(): Port {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  return {
    postMessage: (message: ToWorker) => worker.postMessage(message),
    addEventListener: (_, listener: (event: MessageEvent<FromWorker>) => void) => worker.addEventListener('message', listener),
  }
}

export const live = new LiveStore(port(), gatewayUrl())
live.start()
addEventListener('online', () => live.retry())
