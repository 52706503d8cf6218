//! A trend in a few pixels. SVG: it takes the colour of its text and costs nothing when it doesn't change.

/** Path over a box of 100 × `height`, from 0 at the bottom; flat series stay low, gaps break the line. */
export function sparkPath(values: ArrayLike<number | null>, height: number): string {
  // One value is a level, not a point.
  if (values.length === 1) return sparkPath([values[0] ?? null, values[0] ?? null], height)
  let max = 0
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i] ?? 0)
  const step = 100 / Math.max(1, values.length - 1)
  const room = height - 2
  let path = ''
  let open = false
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value === null || value === undefined) {
      open = false
      continue
    }
    const y = height - 1 - (max > 0 ? (value / max) * room : 0)
    path += `${open ? 'L' : 'M'}${(i * step).toFixed(1)} ${y.toFixed(1)}`
    open = true
  }
  return path
}

interface SparklineProps {
  values: ArrayLike<number | null>
  /** Colour token, such as `info-fill`. */
  token: string
  height?: number
  /** What it shows; without it the line is decoration beside a number. */
  label?: string
  fill?: boolean
  className?: string
}

export function Sparkline({ values, token, height = 20, label, fill = false, className = '' }: SparklineProps) {
  const path = sparkPath(values, height)
  return (
    <svg
      viewBox={`0 0 100 ${height}`}
      preserveAspectRatio="none"
      className={`block overflow-visible ${className}`}
      style={{ height, color: `var(--${token})` }}
      role={label === undefined ? undefined : 'img'}
      aria-label={label}
      aria-hidden={label === undefined ? true : undefined}
    >
      {fill && path !== '' && <path d={`${path}L100 ${height}L0 ${height}Z`} fill="currentColor" opacity={0.14} />}
      <path d={path} fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinejoin="round" strokeLinecap="round" vectorEffect="non-scaling-stroke" />
    </svg>
  )
}
