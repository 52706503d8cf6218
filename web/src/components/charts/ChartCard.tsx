//! A chart in a card of its own, as pages hold it.
import { Chart, type ChartProps } from './Chart'
import { cx } from '@/lib/cx'

export function ChartCard({ className, ...chart }: ChartProps & { className?: string }) {
  return (
    <div className={cx('min-w-0 rounded-xl border border-line bg-surface px-4 pt-3 pb-2', className)}>
      <Chart {...chart} />
    </div>
  )
}
