//! A button that copies a text and says so.
import { Check, Copy } from 'lucide-react'
import { useEffect, useState, type ReactNode } from 'react'
import { IconButton } from './button'

export function CopyButton({ text, label = 'Copy', icon, small = true }: { text: () => string; label?: string; icon?: ReactNode; small?: boolean }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <IconButton
      label={copied ? 'Copied' : label}
      small={small}
      onClick={() => {
        void navigator.clipboard.writeText(text()).then(() => setCopied(true))
      }}
    >
      {copied ? <Check aria-hidden className="size-3.5 text-good" /> : (icon ?? <Copy aria-hidden className="size-3.5" />)}
    </IconButton>
  )
}
