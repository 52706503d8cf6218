import { describe, expect, it } from 'vitest'
import type { LogEvent, WsServerMessage, WsSubscribe } from '@/api/types'
import type { FromWorker } from './messages'
import { Stream, type SocketLike } from './socket'

class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null
  readonly sent: WsSubscribe[] = []
  closed = false

  send(text: string): void {
    this.sent.push(JSON.parse(text) as WsSubscribe)
  }
  close(): void {
    this.closed = true
    this.onclose?.()
  }
  tell(message: WsServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
}

/** The stream with a clock of ours. */
function stage() {
  const sockets: FakeSocket[] = []
  const urls: string[] = []
  const posted: FromWorker[] = []
  let now = 1000
  const timers = new Map<number, { at: number; run: () => void }>()
  let ids = 0
  const stream = new Stream({
    connect: (url) => {
      urls.push(url)
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
    post: (message) => posted.push(message),
    now: () => now,
    random: () => 0.5,
    later: (run, ms) => {
      const id = ids++
      timers.set(id, { at: now + ms, run })
      return () => timers.delete(id)
    },
  })
  const pass = (ms: number) => {
    const end = now + ms
    for (;;) {
      const next = [...timers].filter(([, { at }]) => at <= end).toSorted(([, a], [, b]) => a.at - b.at)[0]
      if (!next) break
      timers.delete(next[0])
      now = next[1].at
      next[1].run()
    }
    now = end
  }
  const socket = () => {
    const newest = sockets.at(-1)
    if (!newest) throw new Error('nothing was connected')
    return newest
  }
  const of = <T extends FromWorker['type']>(type: T) => posted.filter((message) => message.type === type) as Extract<FromWorker, { type: T }>[]
  return { stream, socket, sockets, urls, posted, pass, of }
}

function event(offset: number): LogEvent {
  return {
    seq: `0-${offset}`,
    source: 's',
    level: 'info',
    message: `line ${offset}`,
    timestamp: '2026-03-02T14:02:11.482Z',
    receivedAt: '2026-03-02T14:02:11.490Z',
    patternId: '9b1c6f0f4a2d7e31',
    eventId: '0195575e-4a3b-7000-8000-000000000000',
    insight: { summary: 'analysis_failed', confidence: 0, status: 'no_key', severity: 'info', category: 'other' },
  }
}

const subscribed = (head: number, from = head): WsServerMessage => ({ topic: 'whittle.subscribed', payload: { head: { 0: head }, from: { 0: from } } })
const events = (...offsets: number[]): WsServerMessage => ({ topic: 'logs.insights', payloads: offsets.map(event), sampled: 1 })

/** Connected and subscribed to everything, from offset 10. */
function following() {
  const all = stage()
  all.stream.open('ws://x/ws', { epoch: 1, filters: {} })
  all.socket().onopen?.()
  all.socket().tell(subscribed(10))
  all.socket().tell(subscribed(10))
  return all
}

describe('the stream', () => {
  it('subscribes at once, and batches what comes for 100 ms', () => {
    const { socket, pass, of, urls } = following()
    expect(urls).toEqual(['ws://x/ws?batchMs=100&pattern=0000000000000000'])
    expect(socket().sent).toEqual([{ type: 'subscribe', batchMs: 100, metrics: true, insights: true, drops: true }])
    socket().tell(events(10))
    socket().tell(events(11, 12))
    expect(of('rows')).toEqual([])
    pass(100)
    expect(of('rows').map(({ batch }) => [...batch.offset])).toEqual([[10, 11, 12]])
  })

  it('throws away what still comes for filters that were changed', () => {
    const { stream, socket, pass, of } = following()
    socket().tell(events(10))
    stream.want({ epoch: 2, filters: { q: 'x' } })
    socket().tell(events(11))
    socket().tell(subscribed(12))
    socket().tell(events(12))
    pass(100)
    expect(of('rows').map(({ epoch, batch }) => [epoch, [...batch.offset]])).toEqual([[2, [12]]])
    expect(socket().sent.at(-1)).toMatchObject({ q: 'x' })
    expect(socket().sent.at(-1)).not.toHaveProperty('resume')
  })

  it('takes nothing of the subscription before one that was refused', () => {
    const { stream, socket, pass, of } = following()
    stream.want({ epoch: 2, filters: { q: '(' } })
    socket().tell({ topic: 'whittle.error', payload: { message: 'q: this bracket is not closed (at character 0)' } })
    socket().tell(events(10))
    pass(100)
    expect(of('rows')).toEqual([])
    expect(of('refused')[0]?.epoch).toBe(2)
    stream.want({ epoch: 3, filters: {} })
    socket().tell(subscribed(11))
    socket().tell(events(11))
    pass(100)
    expect(of('rows').map(({ epoch }) => epoch)).toEqual([3])
  })

  it('comes back with growing pauses, and resumes after what it has', () => {
    const { socket, sockets, pass, of } = following()
    socket().tell(events(10, 11))
    socket().close()
    expect(of('lost').map(({ retryAt, attempt }) => [retryAt, attempt])).toEqual([[2000, 1]])
    pass(1000)
    expect(sockets.length).toBe(2)
    socket().close()
    pass(1999)
    expect(sockets.length).toBe(2)
    pass(1)
    socket().onopen?.()
    expect(socket().sent[0]).toMatchObject({ resume: { 0: 12 } })
    socket().tell(subscribed(20))
    socket().tell(subscribed(20))
    expect(of('subscribed').at(-1)).toMatchObject({ resumed: true, lostFor: 3000 })
  })

  it('goes on right after the stored rows that are shown, and from there when it comes back', () => {
    const { stream, socket, pass, of } = following()
    stream.want({ epoch: 2, filters: {}, after: '0-4' })
    expect(socket().sent.at(-1)).toMatchObject({ resume: '0-4' })
    socket().tell(subscribed(12, 4))
    expect(of('subscribed').at(-1)).toMatchObject({ epoch: 2, resumed: false, from: { 0: 4 } })
    socket().close()
    pass(1000)
    socket().onopen?.()
    expect(socket().sent[0]).toMatchObject({ resume: { 0: 4 } })
    socket().tell(subscribed(12))
    socket().tell(subscribed(12, 4))
    expect(of('subscribed').at(-1)).toMatchObject({ resumed: true })
  })

  it('starts anew where the stream was emptied meanwhile', () => {
    const { socket, pass, of } = following()
    socket().tell(events(10, 11))
    socket().close()
    pass(1000)
    socket().onopen?.()
    socket().tell(subscribed(3))
    socket().tell(subscribed(3))
    expect(of('subscribed').at(-1)).toMatchObject({ resumed: false, from: { 0: 3 } })
  })

  it('takes ten seconds of silence for a dead connection', () => {
    const { socket, sockets, pass, of } = following()
    pass(9000)
    socket().tell({ topic: 'whittle.metrics', payload: { second: 1, counts: [], dropped: 0 } })
    pass(9000)
    expect(of('lost')).toEqual([])
    pass(1000)
    expect(of('lost').length).toBe(1)
    expect(sockets[0]?.closed).toBe(true)
  })

  it('passes on gaps, drops, insights and refusals', () => {
    const { socket, of } = following()
    socket().tell({ topic: 'whittle.gap', payload: { partition: 0, from: 3, to: 9 } })
    socket().tell({ topic: 'whittle.dropped', payload: { count: 7 } })
    socket().tell({ topic: 'whittle.error', payload: { message: 'q: no (at character 0)' } })
    expect(of('gap')[0]).toMatchObject({ epoch: 1, gap: { from: 3, to: 9 } })
    expect(of('dropped')[0]?.count).toBe(7)
    expect(of('refused')[0]?.message).toContain('q: no')
  })
})
