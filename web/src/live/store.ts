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
  /** What the history holds by now, whatever the filters, as a token: cheap to ask. */
  anchor(signal: AbortSignal): Promise<string | undefined>
  /** Reads stored rows with the same filters (and the time range of the view), newest first. */
  stored(page: { limit: number; offset: number; until?: string }, signal: AbortSignal): Promise<StoredPage>
}

const PAGE = 200
/** More than a screen shows. */
const BEFORE = 120
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
  /** Where the stream of this epoch begins; null: it has not begun. */
  private from: Positions | null = null
  private until: string | undefined
  private fetched = 0
  private markAt: number | null = null
  /** Rows that belong between some that a frozen view shows. */
  private waiting: (() => void)[] = []
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
    this.port.postMessage({ type: 'open', url: this.url, wanted: { epoch: this.epoch, filters: null } })
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
    this.from = null
    this.until = undefined
    this.fetched = 0
    this.markAt = null
    this.waiting = []
    this.backfill = { state: 'loading' }
    if (follow) void this.begin(follow)
    else this.want(null)
    this.rowsChanged.bump()
  }

  private want(filters: Wanted['filters'], after?: string): void {
    this.port.postMessage({ type: 'want', wanted: { epoch: this.epoch, filters, ...(after !== undefined && { after }) } })
  }

  /** Stored rows up to an anchor, the stream from there on: no row comes twice, none is missing, none has to be put in between. */
  private async begin({ filters, anchor }: Follow): Promise<void> {
    const { signal } = this.reading
    // A history that can't answer says so below, when its rows are asked for.
    this.until = await anchor(signal).catch(() => undefined)
    if (signal.aborted) return
    this.want(filters, this.until)
    await this.loadOlder()
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
    for (const put of this.waiting.splice(0)) put()
    this.ring.held = null
    this.rowsChanged.bump()
  }

  /** Puts rows after one that is held. Those below it would move: under someone who reads, it waits until the view follows again. */
  private putAfter(at: number, rows: readonly TableRow[], said: string): void {
    const put = () => {
      this.ring.insertAfter(at, rows)
      this.ring.setMessage(at, said)
      this.rowsChanged.bump()
    }
    if (this.ring.held !== null && this.ring.held.top > at) this.waiting.push(put)
    else put()
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
        this.subscribed(message.from, message.resumed, message.lostFor)
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

  private subscribed(from: Positions, resumed: boolean, lostFor: number): void {
    if (!this.following) return
    if (resumed) {
      this.markAt = this.ring.mark(`Connection lost for ${duration(lostFor)}; what came meanwhile follows`, Date.now())
      this.rowsChanged.bump()
    } else if (this.from === null) {
      this.from = from
      this.ring.expect(from)
    } else {
      // Another stream than before, as after an emptied data directory.
      this.follow(this.following)
    }
  }

  /** Rows from before the stream that are not held yet; what came after it comes by the stream. */
  private missing(rows: readonly TableRow[]): TableRow[] {
    const held = this.ring.seqs(this.ring.first, this.ring.next)
    return rows.filter(({ seq }) => {
      const { partition, offset } = splitSeq(seq)
      return offset < (this.from?.[partition] ?? Infinity) && !held.has(seq)
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
    const { following, reading } = this
    if (!following) return
    // Told before any event: where there is no mark yet, nothing has come that this one would push away.
    const markAt = (this.markAt ??= this.ring.mark('Some events before this are on their way', Date.now()))
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
    const filled = `${rows.length.toLocaleString('en')} ${rows.length === 1 ? 'event' : 'events'} filled in from the history`
    this.putAfter(markAt, rows, complete ? `Connection was lost; ${filled}` : `Connection was lost; ${filled}, older ones of the gap are in the history only`)
  }
}
