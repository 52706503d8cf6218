//! The newest rows of the stream, in typed columns, at most so many: what the live table reads.
//!
//! Rows have numbers that never change while they are held: the first one appended is 0, older ones that are put in front get negative
//! numbers. A view that is frozen remembers a number, and nothing moves under the pointer while more arrive.
import { LEVELS } from '@/api/types'
import type { Positions } from './messages'
import { levelCode, splitSeq, type RowBatch, type TableRow } from './rows'

const MARK = 255

/** Strings that repeat, as small numbers. */
class Dictionary {
  private readonly numbers = new Map<string, number>()
  private readonly texts: string[] = []

  number(text: string): number {
    const found = this.numbers.get(text)
    if (found !== undefined) return found
    this.numbers.set(text, this.texts.length)
    return this.texts.push(text) - 1
  }

  text(number: number): string {
    return this.texts[number] ?? ''
  }
}

/** What a frozen view looks at. */
export interface Hold {
  /** Number after the newest row that it shows. */
  top: number
  /** Number of the oldest row that it must not lose. */
  keep: number
}

export class Ring {
  private time: Float64Array
  private received: Float64Array
  private level: Uint8Array
  private partition: Uint32Array
  private offset: Float64Array
  private source: Uint32Array
  private pattern: Uint32Array
  private message: string[]
  private extra: string[]
  private words = new Dictionary()
  private newest = new Map<number, number>()
  /** Number of the oldest row held. */
  first = 0
  /** Number that the next row gets. */
  next = 0
  /** Set while a view is frozen: what it looks at is not pushed out by what comes. */
  held: Hold | null = null
  /** Events that found no room because of `held`; they are in the history. */
  heldBack = 0

  constructor(readonly capacity = 100_000) {
    this.time = new Float64Array(capacity)
    this.received = new Float64Array(capacity)
    this.level = new Uint8Array(capacity)
    this.partition = new Uint32Array(capacity)
    this.offset = new Float64Array(capacity)
    this.source = new Uint32Array(capacity)
    this.pattern = new Uint32Array(capacity)
    this.message = []
    this.extra = []
  }

  get size(): number {
    return this.next - this.first
  }

  private slot(at: number): number {
    return ((at % this.capacity) + this.capacity) % this.capacity
  }

  clear(): void {
    this.first = 0
    this.next = 0
    this.held = null
    this.heldBack = 0
    this.message = []
    this.extra = []
    this.words = new Dictionary()
    this.newest.clear()
  }

  /** Adds what came live. Events that are held already (told again after a resume) are left out. Returns how many were added. */
  append(batch: RowBatch): number {
    let added = 0
    for (let i = 0; i < batch.length; i++) {
      const partition = batch.partition[i] ?? 0
      const offset = batch.offset[i] ?? 0
      if (offset <= (this.newest.get(partition) ?? -1)) continue
      this.newest.set(partition, offset)
      if (this.full()) {
        this.heldBack++
        continue
      }
      const slot = this.open()
      this.time[slot] = batch.time[i] ?? 0
      this.received[slot] = batch.received[i] ?? 0
      this.level[slot] = batch.level[i] ?? 0
      this.partition[slot] = partition
      this.offset[slot] = offset
      this.source[slot] = this.words.number(batch.source[i] ?? '')
      this.pattern[slot] = this.words.number(batch.pattern[i] ?? '')
      this.message[slot] = batch.message[i] ?? ''
      this.extra[slot] = batch.extra[i] ?? ''
      added++
    }
    return added
  }

  /** By partition the next offset that is expected: what is below came from the history. */
  expect(positions: Positions): void {
    for (const [partition, next] of Object.entries(positions)) this.newest.set(Number(partition), next - 1)
  }

  /** Would one more row push out what a frozen view looks at? */
  private full(): boolean {
    return this.held !== null && this.size >= this.capacity && this.first >= this.held.keep
  }

  /** A slot for one more row at the new end; the oldest row goes when there is no room. */
  private open(): number {
    const slot = this.slot(this.next)
    this.next++
    if (this.size > this.capacity) this.first++
    return slot
  }

  private write(slot: number, row: TableRow): void {
    const { partition, offset } = row.kind === 'mark' ? { partition: 0, offset: -1 } : splitSeq(row.seq)
    this.time[slot] = row.time
    this.received[slot] = row.received
    this.level[slot] = row.kind === 'mark' ? MARK : levelCode(row.level)
    this.partition[slot] = partition
    this.offset[slot] = offset
    this.source[slot] = this.words.number(row.source)
    this.pattern[slot] = this.words.number(row.patternId)
    this.message[slot] = row.message
    this.extra[slot] = row.extra
  }

  /** Puts older rows in front, given newest first. Returns how many found room. */
  prepend(rows: readonly TableRow[]): number {
    let put = 0
    for (const row of rows) {
      if (this.size >= this.capacity) break
      this.first--
      this.write(this.slot(this.first), row)
      put++
    }
    return put
  }

  /** Adds a note of ours at the new end and returns its number. */
  mark(message: string, time: number): number {
    const slot = this.open()
    const row: TableRow = { kind: 'mark', seq: '', time, received: time, level: 'info', source: '', message, patternId: '', extra: '' }
    this.write(slot, row)
    return this.next - 1
  }

  setMessage(at: number, message: string): void {
    if (at >= this.first && at < this.next) this.message[this.slot(at)] = message
  }

  /** Puts rows (oldest first) between row `at` and the one after it; the rows after it move up by as many. */
  insertAfter(at: number, rows: readonly TableRow[]): void {
    const later: TableRow[] = []
    for (let n = Math.max(at + 1, this.first); n < this.next; n++) {
      const row = this.get(n)
      if (row) later.push(row)
    }
    this.next -= later.length
    if (this.held && this.held.top > at + 1) this.held.top += rows.length
    if (this.held && this.held.keep > at) this.held.keep += rows.length
    for (const row of [...rows, ...later]) this.write(this.open(), row)
  }

  get(at: number): TableRow | undefined {
    if (at < this.first || at >= this.next) return undefined
    const slot = this.slot(at)
    const code = this.level[slot] ?? 0
    const mark = code === MARK
    return {
      kind: mark ? 'mark' : 'line',
      seq: mark ? '' : `${this.partition[slot]}-${this.offset[slot]}`,
      time: this.time[slot] ?? 0,
      received: this.received[slot] ?? 0,
      level: LEVELS[code] ?? 'info',
      source: this.words.text(this.source[slot] ?? 0),
      message: this.message[slot] ?? '',
      patternId: this.words.text(this.pattern[slot] ?? 0),
      extra: this.extra[slot] ?? '',
    }
  }

  /** Number of the row with this identity, newest first; undefined when it isn't held. */
  find(seq: string): number | undefined {
    const { partition, offset } = splitSeq(seq)
    for (let at = this.next - 1; at >= this.first; at--) {
      const slot = this.slot(at)
      if (this.offset[slot] === offset && this.partition[slot] === partition && this.level[slot] !== MARK) return at
    }
    return undefined
  }

  /** Identities of the rows held between two numbers. */
  seqs(from: number, to: number): Set<string> {
    const found = new Set<string>()
    for (let at = Math.max(from, this.first); at < Math.min(to, this.next); at++) {
      const slot = this.slot(at)
      if (this.level[slot] !== MARK) found.add(`${this.partition[slot]}-${this.offset[slot]}`)
    }
    return found
  }
}
