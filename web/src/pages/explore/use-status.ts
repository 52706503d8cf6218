//! What is said to those who don't see the table move: at most every ten seconds.
import { useEffect, useRef, useState } from 'react'

const PAUSE_MS = 10_000

/** The newest text, but never two within ten seconds. */
export function useStatus(text: string): string {
  const [said, setSaid] = useState('')
  const at = useRef(Number.NEGATIVE_INFINITY)
  useEffect(() => {
    const wait = Math.max(0, at.current + PAUSE_MS - performance.now())
    const timer = setTimeout(() => {
      at.current = performance.now()
      setSaid(text)
    }, wait)
    return () => clearTimeout(timer)
  }, [text])
  return said
}
