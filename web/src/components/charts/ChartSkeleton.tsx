//! What stands in the place of a plot until its first numbers are there: the same height, bars of the same kind.
const BARS = [42, 48, 55, 51, 60, 66, 58, 49, 44, 40, 46, 53, 61, 70, 74, 68, 57, 50, 45, 52, 63, 71, 66, 54]

export function ChartSkeleton({ height }: { height: number }) {
  return (
    <div aria-hidden="true" className="flex items-end gap-1 pr-3.5 pb-6 pl-12" style={{ height }}>
      {BARS.map((size, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- the bars never change
        <div key={i} className="skeleton min-w-0 flex-1" style={{ height: `${size}%`, borderRadius: 2 }} />
      ))}
    </div>
  )
}
