//! The worker: the connection and the parsing of its frames, off the page's thread.
import type { ToWorker } from './messages'
import { Stream, type SocketLike } from './socket'

const scope = self as unknown as DedicatedWorkerGlobalScope

const stream = new Stream({
  connect: (url) => new WebSocket(url) as unknown as SocketLike,
  post: (message, transfer) => scope.postMessage(message, transfer ?? []),
  now: () => Date.now(),
  random: () => Math.random(),
  later: (run, ms) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
})

scope.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'open') stream.open(data.url, data.wanted)
  else if (data.type === 'want') stream.want(data.wanted)
  else stream.retry()
})
