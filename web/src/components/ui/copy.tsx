//! A button that copies a text and says so.
import { Check, Copy, X } from 'lucide-react'
import { useEffect, useState, type ReactNode } from 'react'
import { copyText } from '@/lib/clipboard'
import { IconButton } from './button'

const SAID_MS = 1500

export function CopyButton({ text, label = 'Copy', icon, small = true }: { text: () => string; label?: string; icon?: ReactNode; small?: boolean }) {
  const [done, setDone] = useState<boolean | null>(null)
  useEffect(() => {
    if (done === null) return
    const timer = setTimeout(() => setDone(null), SAID_MS)
    return () => clearTimeout(timer)
  }, [done])
  const said = done === null ? label : done ? 'Copied' : 'The browser does not let it be copied'
  return (
    <IconButton label={said} small={small} onClick={() => void copyText(text()).then(setDone)}>
      {done === null && (icon ?? <Copy aria-hidden className="size-3.5" />)}
      {done === true && <Check aria-hidden className="size-3.5 text-good" />}
      {done === false && <X aria-hidden className="size-3.5 text-bad" />}
    </IconButton>
  )
}
