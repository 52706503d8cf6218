//! What a chart says to those who don't see it: one short paragraph.
import { dateTime, percent } from '@/lib/format'
import { seriesTotal, shown, tops } from './model'
import type { Model } from './types'
import { valueText } from './units'

function extremes(values: readonly (number | null)[]): { high: number; low: number } | null {
  let high = -1
  let low = -1
  values.forEach((value, i) => {
    if (value === null) return
    if (high < 0 || value > (values[high] ?? 0)) high = i
    if (low < 0 || value < (values[low] ?? 0)) low = i
  })
  return high < 0 ? null : { high, low }
}

function shares(model: Model): string {
  const series = shown(model)
  if (series.length < 2) return ''
  const totals = series.map(({ label, values }) => ({ label, total: seriesTotal(values) })).toSorted((a, b) => b.total - a.total)
  const all = totals.reduce((sum, { total }) => sum + total, 0)
  if (all === 0) return ''
  return ` ${totals.map(({ label, total }) => `${label} ${percent(total / all)}`).join(', ')}.`
}

/** Range, extremes and, where values add up, who has which share. */
export function summaryOf(model: Model, label: string): string {
  const first = model.times[0]
  const last = model.times[model.times.length - 1]
  const values = tops(model)
  const found = extremes(values)
  if (first === undefined || last === undefined || !found) return `${label}: no data.`
  const said = (index: number) => `${valueText(values[index] ?? null, model.unit)} at ${dateTime(model.times[index] ?? 0)}`
  const range = `${label}, ${dateTime(first)} to ${dateTime(last + model.stepMs)}.`
  const flat = values[found.high] === values[found.low]
  const spread = flat ? ` Steady at ${valueText(values[found.high] ?? null, model.unit)}.` : ` Highest ${said(found.high)}, lowest ${said(found.low)}.`
  return `${range}${spread}${model.unit === 'percent' ? '' : shares(model)}${model.band ? ` ${model.band.label}.` : ''}`
}
