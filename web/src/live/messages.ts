//! What the page and its worker say to each other.
import type { Insight, WsGap, WsMetrics, WsSubscribe } from '@/api/types'
import type { RowBatch } from './rows'

/** What is subscribed to; `epoch` tells the rows of one set of filters from those of the next. */
export interface Wanted {
  epoch: number
  /** Null: numbers and insights alone, no events. */
  filters: Pick<WsSubscribe, 'levels' | 'source' | 'q' | 'pattern'> | null
  /** The `X-Until` of the stored rows that are shown: the stream goes on right after them. */
  after?: string
}

export type ToWorker = { type: 'open'; url: string; wanted: Wanted } | { type: 'want'; wanted: Wanted } | { type: 'retry' }

export type Positions = Record<string, number>

export type FromWorker =
  | { type: 'connecting' }
  | { type: 'lost'; retryAt: number; attempt: number; since: number }
  | { type: 'subscribed'; epoch: number; from: Positions; resumed: boolean; lostFor: number }
  | { type: 'rows'; epoch: number; batch: RowBatch; sampled: number }
  | { type: 'metrics'; metrics: WsMetrics }
  | { type: 'insight'; patternId: string; insight: Insight }
  | { type: 'gap'; epoch: number; gap: WsGap }
  | { type: 'dropped'; count: number }
  | { type: 'refused'; epoch: number; message: string }
