//! A key as it stands on the keyboard.

export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-1">
      {keys.split(' ').map((key, i) => (
        <kbd
          // oxlint-disable-next-line react/no-array-index-key -- a chord may hold the same key twice; its order never changes
          key={`${key}${i}`}
          className="rounded border border-line-strong bg-raised px-1.5 font-sans text-[11px] leading-[18px] text-muted"
        >
          {key}
        </kbd>
      ))}
    </span>
  )
}
