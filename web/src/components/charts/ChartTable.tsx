//! The same numbers as a table, newest first: for those who read rather than look, and for copying.
import { rowDateTime } from '@/lib/format'
import { plain } from '@/lib/hostile'
import { shown } from './model'
import type { Model } from './types'
import { valueText } from './units'

/** Takes exactly the room of the plot it stands in for. */
export function ChartTable({ model, label, height }: { model: Model; label: string; height: number }) {
  const series = shown(model)
  const rows = Array.from(model.times, (time, i) => ({ time, i })).toReversed()
  const newest = model.times[model.times.length - 1] ?? 0
  return (
    // A scroll container must be reachable by keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- so that arrow keys scroll it
    <section aria-label={`${label}: table`} tabIndex={0} className="overflow-auto rounded-md border border-line" style={{ height }}>
      <table className="nums w-full text-right text-xs">
        <thead className="sticky top-0 bg-raised text-muted">
          <tr>
            <th scope="col" className="px-2 py-1 text-left font-medium">
              Time
            </th>
            {series.map(({ key, label: name }) => (
              <th key={key} scope="col" className="max-w-40 truncate px-2 py-1 font-medium">
                {plain(name, 64)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, i }) => (
            <tr key={time} className="border-t border-line">
              <th scope="row" className="px-2 py-0.5 text-left font-normal whitespace-nowrap text-muted">
                {rowDateTime(time, newest).slice(0, model.stepMs >= 1000 ? -4 : undefined)}
              </th>
              {series.map(({ key, values }) => (
                <td key={key} className="px-2 py-0.5 text-ink">
                  {valueText(values[i] ?? null, model.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
