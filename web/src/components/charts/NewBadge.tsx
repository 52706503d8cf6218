//! A pattern that wasn't there before.
export function NewBadge() {
  return <span className="shrink-0 rounded border border-accent/40 bg-accent-soft px-1 text-[10px] leading-4 font-bold tracking-wide text-accent">NEW</span>
}
