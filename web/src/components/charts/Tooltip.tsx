//! The tooltip of a chart: one bucket, sorted, with total and shares. Shows what the pointer or the arrow keys stand on.
import { percent, rowDateTime } from '@/lib/format'
import { plain } from '@/lib/hostile'
import type { Bucket } from './model'
import { place, rowsThatFit, type Box } from './tooltip-place'
import type { Unit } from './types'
import { valueText } from './units'

// Sizes are fixed rather than measured: a tooltip that is measured jumps once before it stands.
const WIDTH_PX = 216
const ROW_PX = 19
/** Title, total, note, padding. */
const REST_PX = 64

/** `14:02:10 – 14:02:15`; milliseconds only where buckets are that narrow. */
export function bucketTitle(from: number, to: number, newest: number): string {
  const text = (ms: number) => {
    const full = rowDateTime(ms, newest)
    return to - from >= 1000 ? full.slice(0, -4) : full
  }
  return `${text(from)} – ${text(to).replace(/^.* /, '')}`
}

export interface TooltipProps {
  bucket: Bucket
  unit: Unit
  /** Where the crosshair stands, in CSS pixels of the area that the tooltip stays in. */
  x: number
  y: number
  area: Box
  /** Time of the newest bucket: days are named where they are not its day. */
  newest: number
  note?: string
}

export function Tooltip({ bucket, unit, x, y, area, newest, note }: TooltipProps) {
  const most = rowsThatFit(area.height, ROW_PX, REST_PX)
  const rows = bucket.rows.slice(0, bucket.rows.length > most ? Math.max(1, most - 1) : most)
  const left = bucket.rows.length - rows.length
  const height = REST_PX + rows.length * ROW_PX
  return (
    <div
      aria-hidden="true"
      data-testid="chart-tooltip"
      className="pointer-events-none absolute z-20 rounded-lg border border-line-strong bg-raised px-2.5 py-2 text-xs shadow-(--shadow)"
      style={{ width: WIDTH_PX, ...place(x, y, { width: WIDTH_PX, height }, area) }}
    >
      <div className="nums mb-1 whitespace-nowrap text-muted">{bucketTitle(bucket.from, bucket.to, newest)}</div>
      <table className="nums w-full border-separate border-spacing-0">
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} className="h-[19px]">
              <td className="w-full max-w-0 truncate pr-4 text-ink">
                <span className="mr-1.5 inline-block size-2 rounded-full" style={{ background: `var(--${row.token})` }} />
                {plain(row.label, 64)}
              </td>
              <td className="text-right font-medium whitespace-nowrap text-ink">{valueText(row.value, unit)}</td>
              {bucket.total !== null && <td className="min-w-12 pl-2 text-right whitespace-nowrap text-muted">{row.share === null ? '' : percent(row.share)}</td>}
            </tr>
          ))}
          {bucket.total !== null && (
            <tr className="h-[19px]">
              <td className="border-t border-line pt-0.5 text-muted">{left > 0 ? `+${left} more · total` : 'total'}</td>
              <td className="border-t border-line pt-0.5 text-right font-medium text-ink">{valueText(bucket.total, unit)}</td>
            </tr>
          )}
        </tbody>
      </table>
      {note !== undefined && <div className="mt-1 text-muted">{note}</div>}
    </div>
  )
}
