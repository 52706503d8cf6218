//! Charts of the page, in time and small.
export { BarList, type BarItem } from './BarList'
export { Chart, type ChartProps } from './Chart'
export { ChartCard } from './ChartCard'
export { LevelMix, levelMixText } from './LevelMix'
export { levelSeries } from './levels'
export { Sparkline } from './Sparkline'
export type { Band, ChartSeries, Kind, Unit } from './types'
