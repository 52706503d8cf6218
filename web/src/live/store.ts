//! The live side of the page: connection state, ring, seconds and insights, fed by the worker.
import type { Insight, Row } from '@/api/types'
import { duration } from '@/lib/duration'
import { Seconds } from '@/lib/series'
import type { FromWorker, Positions, ToWorker, Wanted } from './messages'
import { Ring } from './ring'
import { splitSeq, storedRow, type TableRow } from './rows'
import { Signal } from './signal'

export type Connection =
  | { state: 'connecting' }
  | { state: 'open' }
  | { state: 'lost'; retryAt: number; attempt: number; since: number }

/** One page of the history under the filters of the subscription. */
export interface StoredPage {
  rows: Row[]
  until?: string
  total?: number
}

export interface Follow {
  filters: NonNullable<Wanted['filters']>
  /** Reads stored rows with the same filters (and the time range of the view), newest first. */
  stored(page: { limit: number; offset: number; until?: string }, signal: AbortSignal): Promise<StoredPage>
}

const PAGE = 200
/** More than a screen shows. */
const BEFORE = 120
/** Rows are in the history within a second of their acknowledgement; what was on its way at the start is fetched after that. */
const CATCH_UP_MS = 1200
const GAP_PAGE = 1000
const GAP_PAGES = 5

/** The part of a worker that is used here. */
export interface Port {
  postMessage(message: ToWorker): void
  addEventListener(type: 'message', listener: (event: MessageEvent<FromWorker>) => void): void
}

export class LiveStore {
  readonly ring = new Ring()
  readonly seconds = new Seconds()
  readonly insights = new Map<string, Insight>()
  readonly rowsChanged = new Signal()
  readonly secondsChanged = new Signal()
  readonly connectionChanged = new Signal()
  connection: Connection = { state: 'connecting' }
  /** Events that the server could not send because the page was too slow. */
  skipped = 0
  /** One in so many of the events is sent; 1: all of them. */
  sampled = 1
  /** The newest rows under the filters before, to be shown until the first ones of the new filters are there. */
  before: TableRow[] = []
  refused: string | null = null
  /** How the stored rows below the live ones are doing; `full`: older ones are in the history only. */
  backfill: { state: 'loading' | 'ready' | 'end' | 'full' } | { state: 'failed'; error: unknown } = { state: 'loading' }

  private epoch = 0
  private following: Follow | null = null
  private opened = false
  private head: Positions = {}
  private until: string | undefined
  private fetched = 0
  private markAt: number | null = null
  private reading = new AbortController()

  constructor(
    private readonly port: Port,
    private readonly url: string,
  ) {
    port.addEventListener('message', ({ data }) => this.receive(data))
  }

  /** Changes whenever the rows begin anew. */
  get epochNumber(): number {
    return this.epoch
  }

  start(): void {
    if (this.opened) return
    this.opened = true
    this.port.postMessage({ type: 'open', url: this.url, wanted: this.wanted() })
  }

  private wanted(): Wanted {
    return { epoch: this.epoch, filters: this.following?.filters ?? null }
  }

  /** Follows the stream under new filters, or (null) keeps to numbers and insights. */
  follow(follow: Follow | null): void {
    this.epoch++
    this.following = follow
    this.reading.abort()
    this.reading = new AbortController()
    if (this.ring.size > 0) this.before = this.newest(BEFORE)
    this.ring.clear()
    this.skipped = 0
    this.sampled = 1
    this.refused = null
    this.until = undefined
    this.fetched = 0
    this.markAt = null
    this.backfill = { state: 'loading' }
    this.port.postMessage({ type: 'want', wanted: this.wanted() })
    this.rowsChanged.bump()
  }

  private newest(most: number): TableRow[] {
    const top = this.ring.held?.top ?? this.ring.next
    const found: TableRow[] = []
    for (let at = top - 1; at >= this.ring.first && found.length < most; at--) {
      const row = this.ring.get(at)
      if (row) found.push(row)
    }
    return found
  }

  /** Freezes what is seen: `top` and `keep` as in `Ring.held`. */
  hold(keep: number): void {
    this.ring.held ??= { top: this.ring.next, keep }
    this.ring.held.keep = keep
    this.rowsChanged.bump()
  }

  /** Follows again. Where the ring had to let events pass, it starts anew, so that none is missing between. */
  release(): void {
    if (this.ring.heldBack > 0 && this.following) {
      this.follow(this.following)
      return
    }
    this.ring.held = null
    this.rowsChanged.bump()
  }

  retry(): void {
    this.port.postMessage({ type: 'retry' })
  }

  private receive(message: FromWorker): void {
    switch (message.type) {
      case 'connecting':
        if (this.connection.state !== 'lost') this.setConnection({ state: 'connecting' })
        break
      case 'lost':
        this.setConnection({ state: 'lost', retryAt: message.retryAt, attempt: message.attempt, since: message.since })
        break
      case 'metrics':
        this.seconds.add(message.metrics)
        this.secondsChanged.bump()
        break
      case 'insight':
        this.learn(message.patternId, message.insight)
        break
      case 'dropped':
        this.skipped += message.count
        this.rowsChanged.bump()
        break
      default:
        this.receiveRows(message)
    }
  }

  private receiveRows(message: Extract<FromWorker, { epoch: number }>): void {
    if (message.type === 'subscribed' || message.type === 'refused') this.setConnection({ state: 'open' })
    if (message.epoch !== this.epoch) return
    switch (message.type) {
      case 'subscribed':
        this.subscribed(message.head, message.resumed, message.lostFor)
        break
      case 'rows':
        for (const [key, insight] of message.batch.insights) this.insights.set(key, insight)
        this.sampled = message.sampled
        this.ring.append(message.batch)
        this.rowsChanged.bump()
        break
      case 'gap':
        void this.fillGap(message.gap.partition, message.gap.from, message.gap.to)
        break
      case 'refused':
        this.refused = message.message
        this.rowsChanged.bump()
        break
    }
  }

  private setConnection(connection: Connection): void {
    this.connection = connection
    this.connectionChanged.bump()
  }

  private learn(patternId: string, insight: Insight): void {
    for (const key of this.insights.keys()) {
      if (key.startsWith(`${patternId}/`)) this.insights.set(key, insight)
    }
    this.rowsChanged.bump()
  }

  private subscribed(head: Positions, resumed: boolean, lostFor: number): void {
    if (!this.following) return
    if (resumed) {
      this.markAt = this.ring.mark(`Connection lost for ${duration(lostFor)}; what came meanwhile follows`, Date.now())
      this.rowsChanged.bump()
      return
    }
    if (this.ring.size > 0) this.ring.clear()
    this.head = head
    this.until = undefined
    this.fetched = 0
    void this.loadFirst()
  }

  /** Stored rows below the live ones, and once more what was still on its way when the subscription began. */
  private async loadFirst(): Promise<void> {
    const { signal } = this.reading
    await this.loadOlder()
    await new Promise((done) => setTimeout(done, CATCH_UP_MS))
    if (signal.aborted || this.backfill.state === 'failed' || !this.following) return
    const top = this.topStored()
    const page = await this.following.stored({ limit: PAGE, offset: 0 }, signal).catch(() => null)
    if (signal.aborted || page === null) return
    const missing = this.missing(page.rows.map(storedRow))
    if (missing.length > 0) {
      this.ring.insertAfter(top, missing.toReversed())
      this.rowsChanged.bump()
    }
  }

  /** Number of the newest row that came from the history: live rows start at 0. */
  private topStored(): number {
    return -1
  }

  /** Rows from before the subscription that are not held yet; what came after it comes by the stream. */
  private missing(rows: readonly TableRow[]): TableRow[] {
    const held = this.ring.seqs(this.ring.first, this.ring.next)
    return rows.filter(({ seq }) => {
      const { partition, offset } = splitSeq(seq)
      return offset < (this.head[partition] ?? Infinity) && !held.has(seq)
    })
  }

  /** One more page of stored rows at the bottom. */
  async loadOlder(): Promise<void> {
    const { following, reading } = this
    if (!following || this.backfill.state === 'end' || this.backfill.state === 'full') return
    this.backfill = { state: 'loading' }
    this.rowsChanged.bump()
    try {
      const page = await following.stored({ limit: PAGE, offset: this.fetched, until: this.until }, reading.signal)
      if (reading.signal.aborted) return
      this.until ??= page.until
      this.fetched += page.rows.length
      const missing = this.missing(page.rows.map(storedRow))
      const put = this.ring.prepend(missing)
      this.backfill = { state: put < missing.length ? 'full' : page.rows.length < PAGE ? 'end' : 'ready' }
    } catch (error) {
      if (reading.signal.aborted) return
      this.backfill = { state: 'failed', error }
    }
    this.rowsChanged.bump()
  }

  /** What the gateway could not tell again is read from the history and put where it belongs. */
  private async fillGap(partition: number, from: number, to: number): Promise<void> {
    const { following, reading, markAt } = this
    if (!following || markAt === null) return
    const found = new Map<string, TableRow>()
    let until: string | undefined
    let complete = false
    try {
      for (let page = 0; page < GAP_PAGES && !complete; page++) {
        const answer = await following.stored({ limit: GAP_PAGE, offset: page * GAP_PAGE, until }, reading.signal)
        until ??= answer.until
        complete = answer.rows.length < GAP_PAGE
        for (const row of answer.rows.map(storedRow)) {
          const at = splitSeq(row.seq)
          if (at.partition !== partition) continue
          if (at.offset >= from && at.offset <= to) found.set(row.seq, row)
          if (at.offset < from) complete = true
        }
      }
    } catch {
      complete = false
    }
    if (reading.signal.aborted) return
    const rows = [...found.values()].toSorted((a, b) => splitSeq(a.seq).offset - splitSeq(b.seq).offset)
    this.ring.insertAfter(markAt, rows)
    const filled = `${rows.length.toLocaleString('en')} ${rows.length === 1 ? 'event' : 'events'} filled in from the history`
    this.ring.setMessage(markAt, complete ? `Connection was lost; ${filled}` : `Connection was lost; ${filled}, older ones of the gap are in the history only`)
    this.rowsChanged.bump()
  }
}
