//! A short text beside a control while it is hovered or focused. One layer serves the whole page: a control says what by data attributes.
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { besides, type Side } from '@/lib/placement'
import { Kbd } from './kbd'

export interface TipProps {
  'data-tip': string
  'data-tip-keys'?: string
  'data-tip-side'?: Side
}

/** Attributes that give a control its tooltip. The text is for the eye: the control needs a name of its own. */
export function tip(text: string, keys?: string, side?: Side): TipProps {
  return { 'data-tip': text, 'data-tip-keys': keys, 'data-tip-side': side }
}

const DELAY_MS = 400
/** Going on to the next control shows its text at once. */
const WARM_MS = 300

/** Shows the tooltips of the page; stands once, in the frame. */
export function TooltipLayer() {
  const [target, setTarget] = useState<HTMLElement | null>(null)
  const box = useRef<HTMLDivElement>(null)

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let shown: HTMLElement | null = null
    let hiddenAt = -WARM_MS
    const show = (element: HTMLElement | null, at: number, now: boolean) => {
      if (element === shown) return
      clearTimeout(timer)
      if (shown) hiddenAt = at
      shown = element
      setTarget(null)
      if (!element) return
      timer = setTimeout(() => setTarget(element), now || at - hiddenAt < WARM_MS ? 0 : DELAY_MS)
    }
    const holder = (event: Event) => (event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null)
    const over = (event: PointerEvent) => {
      if (event.pointerType !== 'touch') show(holder(event), event.timeStamp, false)
    }
    const focused = (event: FocusEvent) => {
      const element = holder(event)
      if (element?.matches(':focus-visible')) show(element, event.timeStamp, true)
    }
    const hide = (event: Event) => show(null, event.timeStamp, false)
    const events = [
      ['pointerover', over],
      ['focusin', focused],
      ['focusout', hide],
      ['pointerdown', hide],
      ['keydown', hide],
      ['wheel', hide],
    ] as const
    for (const [name, listener] of events) document.addEventListener(name, listener as EventListener, { capture: true, passive: true })
    return () => {
      clearTimeout(timer)
      for (const [name, listener] of events) document.removeEventListener(name, listener as EventListener, { capture: true })
    }
  }, [])

  useLayoutEffect(() => {
    const element = box.current
    if (!element || !target?.isConnected) return
    // The top layer: over dialogs and popovers too.
    element.showPopover?.()
    const place = besides(target.getBoundingClientRect(), element.getBoundingClientRect(), (target.dataset.tipSide as Side | undefined) ?? 'bottom', {
      width: innerWidth,
      height: innerHeight,
    })
    element.style.left = `${place.left}px`
    element.style.top = `${place.top}px`
  }, [target])

  if (!target?.dataset.tip) return null
  return (
    <div
      ref={box}
      popover="manual"
      aria-hidden
      className="pointer-events-none fixed inset-auto m-0 flex max-w-72 items-center gap-2 rounded-md border border-line-strong bg-raised px-2 py-1 text-xs text-ink shadow-(--shadow)"
    >
      {target.dataset.tip}
      {target.dataset.tipKeys !== undefined && <Kbd keys={target.dataset.tipKeys} />}
    </div>
  )
}
