import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Row } from '@/api/types'
import type { FromWorker, ToWorker } from './messages'
import { toBatch } from './rows'
import { LiveStore, type StoredPage } from './store'

function stored(offset: number): Row {
  return {
    id: offset,
    seq: `0-${offset}`,
    source: 's',
    level: 'info',
    message: `line ${offset}`,
    timestamp: '2026-03-02T14:02:11.482Z',
    receivedAt: '2026-03-02T14:02:11.490Z',
    context: {},
    patternId: '9b1c6f0f4a2d7e31',
    insight: { summary: 'analysis_failed', confidence: 0, status: 'no_key', severity: 'info', category: 'other' },
  }
}

/** Rows of the history from `top` down, newest first. */
const below = (top: number, n: number) => Array.from({ length: Math.min(n, top + 1) }, (_, i) => stored(top - i))

/** Anchor of the stages: the history has what is below 450. */
const ANCHOR = '0-450'

function stage(history: (page: { limit: number; offset: number; until?: string }) => StoredPage | Promise<StoredPage>) {
  let listener: (event: MessageEvent<FromWorker>) => void = () => undefined
  const posted: ToWorker[] = []
  const asked: { limit: number; offset: number; until?: string }[] = []
  const store = new LiveStore(
    {
      postMessage: (message) => posted.push(message),
      addEventListener: (_type, given) => {
        listener = given
      },
    },
    'ws://x/ws',
  )
  store.start()
  store.follow({
    filters: {},
    anchor: () => Promise.resolve(ANCHOR),
    stored: (page) => {
      asked.push(page)
      return Promise.resolve(history(page))
    },
  })
  const tell = (data: FromWorker) => listener({ data } as MessageEvent<FromWorker>)
  const rows = (...offsets: number[]) => {
    const events = offsets.map((offset) => ({ ...stored(offset), eventId: 'e' }))
    tell({ type: 'rows', epoch: store.epochNumber, batch: toBatch(events, new Map()), sampled: 1 })
  }
  const subscribe = (head: number, resumed = false) => tell({ type: 'subscribed', epoch: store.epochNumber, from: { 0: head }, resumed, lostFor: 4000 })
  const seqs = () => Array.from({ length: store.ring.size }, (_, i) => store.ring.get(store.ring.next - 1 - i)).map((row) => (row?.kind === 'mark' ? 'mark' : row?.seq))
  return { store, posted, asked, tell, rows, subscribe, seqs }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('following', () => {
  it('puts stored rows below the live ones, each row once', async () => {
    const { rows, subscribe, seqs } = stage(() => ({ rows: below(4, 5), until: 'u' }))
    subscribe(3)
    rows(3, 4)
    await vi.advanceTimersByTimeAsync(0)
    expect(seqs()).toEqual(['0-4', '0-3', '0-2', '0-1', '0-0'])
  })

  it('reads up to an anchor, has the stream begin there, and takes nothing of it twice', async () => {
    const { posted, asked, store, rows, subscribe, seqs } = stage(() => ({ rows: below(449, 2) }))
    await vi.advanceTimersByTimeAsync(0)
    expect(posted.at(-1)).toEqual({ type: 'want', wanted: { epoch: store.epochNumber, filters: {}, after: ANCHOR } })
    expect(asked[0]).toEqual({ limit: 200, offset: 0, until: ANCHOR })
    subscribe(450)
    rows(448, 449, 450, 451)
    expect(seqs()).toEqual(['0-451', '0-450', '0-449', '0-448'])
  })

  it('follows a stream that is there while the history is not', async () => {
    const posted: ToWorker[] = []
    const store = new LiveStore({ postMessage: (message) => posted.push(message), addEventListener: () => undefined }, 'ws://x/ws')
    const no = () => Promise.reject(new Error('no'))
    store.follow({ filters: {}, anchor: no, stored: no })
    await vi.advanceTimersByTimeAsync(0)
    expect(posted.at(-1)).toEqual({ type: 'want', wanted: { epoch: store.epochNumber, filters: {} } })
    expect(store.backfill).toMatchObject({ state: 'failed' })
  })

  it('begins anew where the stream is another than before', async () => {
    const { store, subscribe, rows, seqs } = stage(() => ({ rows: [] }))
    subscribe(450)
    rows(450)
    const before = store.epochNumber
    subscribe(3)
    expect(store.epochNumber).toBe(before + 1)
    await vi.advanceTimersByTimeAsync(0)
    expect(seqs()).toEqual([])
  })

  it('reads older pages under the anchor of the first, to their end', async () => {
    const all = below(449, 450)
    const { store, subscribe, asked } = stage(({ limit, offset }) => ({ rows: all.slice(offset, offset + limit), until: 'never used' }))
    subscribe(450)
    await vi.advanceTimersByTimeAsync(0)
    expect(store.backfill.state).toBe('ready')
    await store.loadOlder()
    await store.loadOlder()
    expect(store.backfill.state).toBe('end')
    expect(store.ring.size).toBe(450)
    const pages = asked.filter(({ offset }) => offset > 0)
    expect(pages).toEqual([
      { limit: 200, offset: 200, until: ANCHOR },
      { limit: 200, offset: 400, until: ANCHOR },
    ])
  })

  it('says when older rows could not be read, and reads them when asked again', async () => {
    let broken = true
    const { store, subscribe } = stage(() => (broken ? Promise.reject(new Error('no')) : { rows: below(2, 3) }))
    subscribe(3)
    await vi.advanceTimersByTimeAsync(0)
    expect(store.backfill).toMatchObject({ state: 'failed' })
    broken = false
    await store.loadOlder()
    expect(store.backfill.state).toBe('end')
    expect(store.ring.size).toBe(3)
  })

  it('ignores what belongs to other filters', async () => {
    const { store, tell, seqs } = stage(() => ({ rows: [] }))
    tell({ type: 'rows', epoch: store.epochNumber - 1, batch: toBatch([{ ...stored(1), eventId: 'e' }], new Map()), sampled: 1 })
    expect(seqs()).toEqual([])
  })

  it('keeps the rows of the filters before until there are others', async () => {
    const { store, rows, subscribe } = stage(() => ({ rows: [] }))
    subscribe(0)
    rows(0, 1)
    store.follow({ filters: { q: 'x' }, anchor: () => Promise.resolve(ANCHOR), stored: () => Promise.resolve({ rows: [] }) })
    expect(store.ring.size).toBe(0)
    expect(store.before.map(({ seq }) => seq)).toEqual(['0-1', '0-0'])
  })
})

describe('a connection that was lost', () => {
  it('is marked where it was, and the gap is filled from the history', async () => {
    const { tell, rows, subscribe, seqs, store } = stage(({ offset }) => ({ rows: offset === 0 ? below(9, 10) : [] }))
    subscribe(0)
    rows(0, 1, 2)
    await vi.advanceTimersByTimeAsync(3000)
    tell({ type: 'lost', retryAt: 0, attempt: 1, since: 0 })
    subscribe(8, true)
    tell({ type: 'gap', epoch: store.epochNumber, gap: { partition: 0, from: 3, to: 6 } })
    rows(7)
    await vi.advanceTimersByTimeAsync(0)
    expect(seqs()).toEqual(['0-7', '0-6', '0-5', '0-4', '0-3', 'mark', '0-2', '0-1', '0-0'])
    expect(store.ring.get(3)?.message).toBe('Connection was lost; 4 events filled in from the history')
  })

  it('moves nothing under someone who reads: what was missed goes in when the view follows again', async () => {
    const { store, tell, rows, subscribe, seqs } = stage(({ offset }) => ({ rows: offset === 0 ? below(9, 10) : [] }))
    subscribe(0)
    rows(0, 1, 2)
    subscribe(8, true)
    rows(7)
    store.hold(-5)
    const seen = seqs()
    tell({ type: 'gap', epoch: store.epochNumber, gap: { partition: 0, from: 3, to: 6 } })
    await vi.advanceTimersByTimeAsync(0)
    expect(seqs()).toEqual(seen)
    store.release()
    expect(seqs()).toEqual(['0-7', '0-6', '0-5', '0-4', '0-3', 'mark', '0-2', '0-1', '0-0'])
  })

  it('is marked too where nothing is missing', () => {
    const { tell, rows, subscribe, seqs, store } = stage(() => ({ rows: [] }))
    subscribe(0)
    rows(0)
    tell({ type: 'lost', retryAt: 0, attempt: 1, since: 0 })
    subscribe(1, true)
    rows(1)
    expect(seqs()).toEqual(['0-1', 'mark', '0-0'])
    expect(store.connection).toEqual({ state: 'open' })
  })
})

describe('freezing', () => {
  it('holds what is seen, and follows again', () => {
    const { store, rows, subscribe } = stage(() => ({ rows: [] }))
    subscribe(0)
    rows(0, 1)
    store.hold(0)
    rows(2)
    store.hold(-5)
    expect(store.ring.held).toEqual({ top: 2, keep: -5 })
    store.release()
    expect(store.ring.held).toBeNull()
  })

  it('starts anew where events had to pass unheld, so that none is missing between', async () => {
    const { store, rows, subscribe, posted } = stage(() => ({ rows: [] }))
    subscribe(0)
    rows(0)
    store.hold(0)
    store.ring.heldBack = 5
    const before = store.epochNumber
    store.release()
    expect(store.epochNumber).toBe(before + 1)
    await vi.advanceTimersByTimeAsync(0)
    expect(posted.at(-1)).toMatchObject({ type: 'want', wanted: { filters: {} } })
  })
})
