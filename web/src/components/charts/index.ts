//! Charts of the page, in time and small.
export { Chart, type ChartProps } from './Chart'
export { levelSeries } from './levels'
export { Panel, PanelHeader } from './Panel'
export { Sparkline } from './Sparkline'
export type { Band, ChartSeries, Kind, Unit } from './types'
