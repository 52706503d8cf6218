//! The connection to the gateway: subscribe, batch, notice silence, come back and resume. Runs in the worker; knows no DOM.
import type { LogEvent, WsServerMessage, WsSubscribe, WsSubscribed } from '@/api/types'
import type { FromWorker, Positions, Wanted } from './messages'
import { splitSeq, toBatch } from './rows'

const FLUSH_MS = 100
/** With metrics once a second, so long a silence means that the connection is dead. */
const SILENCE_MS = 10_000
const MAX_WAIT_MS = 15_000
/** No pattern has this id: a subscription that asks for it gets numbers and insights, but no events. */
const NO_PATTERN = '0000000000000000'

export interface SocketLike {
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: (() => void) | null
  send(text: string): void
  close(): void
}

/** Effects, so that tests can hold the clock. */
export interface Effects {
  connect(url: string): SocketLike
  post(message: FromWorker, transfer?: Transferable[]): void
  now(): number
  random(): number
  later(run: () => void, ms: number): () => void
}

export class Stream {
  private socket: SocketLike | null = null
  private url = ''
  private wanted: Wanted = { epoch: 0, filters: null }
  private positions: Positions = {}
  private pending: LogEvent[] = []
  private sampled = 1
  private awaiting = 0
  private attempt = 0
  private lostSince = 0
  private resuming = false
  /** The subscription was refused: what comes is still for the one before. */
  private refused = false
  private everOpen = false
  private readonly insights = new Map<string, string>()
  private cancelFlush: (() => void) | null = null
  private cancelRetry: (() => void) | null = null
  private cancelSilence: (() => void) | null = null

  constructor(private readonly effects: Effects) {}

  open(url: string, wanted: Wanted): void {
    this.url = url
    this.wanted = wanted
    this.connect()
  }

  /** Changes what is subscribed to. What still comes for the old filters is thrown away. */
  want(wanted: Wanted): void {
    this.wanted = wanted
    this.pending = []
    this.positions = {}
    this.resuming = false
    this.insights.clear()
    if (this.socket && this.everOpen) this.subscribe()
  }

  retry(): void {
    if (this.socket) return
    this.cancelRetry?.()
    this.connect()
  }

  private connect(): void {
    this.effects.post({ type: 'connecting' })
    // Numbers from the first frame; a subscription follows at once.
    const socket = this.effects.connect(`${this.url}?batchMs=${FLUSH_MS}&pattern=${NO_PATTERN}`)
    this.socket = socket
    this.everOpen = false
    this.awaiting = 1
    this.listenForSilence()
    socket.onopen = () => {
      this.everOpen = true
      this.subscribe()
    }
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.receive(data)
    }
    socket.onclose = () => {
      if (this.socket === socket) this.lost()
    }
  }

  private subscribe(): void {
    const { filters } = this.wanted
    this.refused = false
    const message: WsSubscribe = { type: 'subscribe', batchMs: FLUSH_MS, metrics: true, insights: true, drops: true }
    Object.assign(message, filters ?? { pattern: NO_PATTERN })
    this.resuming = filters !== null && Object.keys(this.positions).length > 0
    if (this.resuming) message.resume = this.positions
    else if (filters !== null && this.wanted.after !== undefined) message.resume = this.wanted.after
    this.awaiting++
    this.socket?.send(JSON.stringify(message))
  }

  private lost(): void {
    this.socket = null
    this.cancelSilence?.()
    this.flush()
    const now = this.effects.now()
    if (this.lostSince === 0) this.lostSince = now
    // Doubling, with jitter, so that a thousand viewers don't come back in the same instant.
    const wait = Math.min(MAX_WAIT_MS, 1000 * 2 ** this.attempt) * (0.75 + this.effects.random() / 2)
    this.attempt++
    this.effects.post({ type: 'lost', retryAt: now + wait, attempt: this.attempt, since: this.lostSince })
    this.cancelRetry = this.effects.later(() => this.connect(), wait)
  }

  private listenForSilence(): void {
    this.cancelSilence?.()
    this.cancelSilence = this.effects.later(() => {
      const socket = this.socket
      if (!socket) return
      socket.onclose = null
      socket.close()
      this.lost()
    }, SILENCE_MS)
  }

  private receive(text: string): void {
    this.listenForSilence()
    const message = JSON.parse(text) as WsServerMessage
    switch (message.topic) {
      case 'logs.insights':
        this.events('payloads' in message ? message.payloads : [message.payload], 'sampled' in message ? message.sampled : 1)
        break
      case 'whittle.subscribed':
        this.subscribed(message.payload)
        break
      case 'whittle.metrics':
        this.effects.post({ type: 'metrics', metrics: message.payload })
        break
      case 'whittle.insight':
        this.effects.post({ type: 'insight', ...message.payload })
        break
      case 'whittle.gap':
        this.effects.post({ type: 'gap', epoch: this.wanted.epoch, gap: message.payload })
        break
      case 'whittle.dropped':
        this.effects.post({ type: 'dropped', count: message.payload.count })
        break
      case 'whittle.error':
        this.awaiting = Math.max(0, this.awaiting - 1)
        this.refused = true
        this.effects.post({ type: 'refused', epoch: this.wanted.epoch, message: message.payload.message })
        break
    }
  }

  private subscribed({ head, from }: WsSubscribed): void {
    this.awaiting = Math.max(0, this.awaiting - 1)
    if (this.awaiting > 0) return
    const lostFor = this.lostSince === 0 ? 0 : this.effects.now() - this.lostSince
    this.lostSince = 0
    this.attempt = 0
    // A head below what was seen: another stream (an emptied data directory). Start anew.
    const rewound = this.resuming && Object.entries(this.positions).some(([partition, next]) => (head[partition] ?? 0) < next)
    const resumed = this.resuming && !rewound
    if (!resumed) this.positions = rewound ? { ...head } : { ...from }
    this.effects.post({ type: 'subscribed', epoch: this.wanted.epoch, from: this.positions, resumed, lostFor })
  }

  private events(events: readonly LogEvent[], sampled = 1): void {
    if (this.awaiting > 0 || this.refused || this.wanted.filters === null) return
    this.sampled = sampled
    for (const event of events) {
      const { partition, offset } = splitSeq(event.seq)
      this.positions[partition] = Math.max(this.positions[partition] ?? 0, offset + 1)
      this.pending.push(event)
    }
    this.cancelFlush ??= this.effects.later(() => this.flush(), FLUSH_MS)
  }

  private flush(): void {
    this.cancelFlush?.()
    this.cancelFlush = null
    if (this.pending.length === 0) return
    const batch = toBatch(this.pending, this.insights)
    this.pending = []
    const columns = [batch.time, batch.received, batch.level, batch.partition, batch.offset]
    const transfer = columns.map((column) => column.buffer as ArrayBuffer)
    this.effects.post({ type: 'rows', epoch: this.wanted.epoch, batch, sampled: this.sampled }, transfer)
  }
}
