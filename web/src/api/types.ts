//! Names for the shapes of the contract, so that nobody spells out `components['schemas'][…]`.
import type { components } from './schema'

type Schemas = components['schemas']

export type Level = Schemas['Level']
export type Severity = Schemas['Severity']
export type Insight = Schemas['Insight']
export type Row = Schemas['Row']
export type LogEvent = Schemas['Event']
export type Histogram = Schemas['Histogram']
export type FacetValue = Schemas['FacetValue']
export type Facets = Schemas['Facets']
export type PatternSummary = Schemas['PatternSummary']
export type PatternDetail = Schemas['PatternDetail']
export type LevelCounts = Schemas['LevelCounts']
export type WsSubscribe = Schemas['WsSubscribe']
export type WsSubscribed = Schemas['WsSubscribed']['payload']
export type WsServerMessage = Schemas['WsServerMessage']
export type WsMetrics = Schemas['WsMetrics']['payload']
export type WsGap = Schemas['WsGap']['payload']

/** Lowest first: the order of stacks. */
export const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']
