//! A small sheet that hangs on a control. The browser's own popover: it lies over everything and closes on Esc or a press outside.
import { cloneElement, useId, useLayoutEffect, useState, type ReactElement, type ReactNode } from 'react'
import { cx } from '@/lib/cx'
import { besides, type Align } from '@/lib/placement'

const SHEET = 'rounded-lg border border-line-strong bg-surface p-1.5 text-[13px] text-ink shadow-(--shadow)'

const FOCUSABLE = 'input, button, select, a[href], [tabindex="0"]'

export interface PopoverProps {
  /** A button; what opens the sheet is added to it. */
  trigger: ReactElement<{ popoverTarget?: string }>
  label: string
  align?: Align
  className?: string
  /** Rendered while it is open; `close` closes it. */
  children: ReactNode | ((close: () => void) => ReactNode)
}

function place(element: HTMLElement, align: Align): void {
  const anchor = document.querySelector(`[popovertarget="${CSS.escape(element.id)}"]`)
  if (!anchor) return
  const at = besides(anchor.getBoundingClientRect(), element.getBoundingClientRect(), 'bottom', { width: innerWidth, height: innerHeight }, align)
  element.style.left = `${at.left}px`
  element.style.top = `${at.top}px`
}

function usePlaced(open: boolean, id: string, align: Align): void {
  useLayoutEffect(() => {
    const element = document.getElementById(id)
    if (!open || !element) return
    const again = () => place(element, align)
    again()
    element.querySelector<HTMLElement>(FOCUSABLE)?.focus({ preventScroll: true })
    const resized = new ResizeObserver(again)
    resized.observe(element)
    addEventListener('resize', again)
    return () => {
      resized.disconnect()
      removeEventListener('resize', again)
    }
  }, [open, id, align])
}

export function Popover({ trigger, label, align = 'end', className, children }: PopoverProps) {
  const id = useId()
  const [open, setOpen] = useState(false)
  usePlaced(open, id, align)
  const close = () => document.getElementById(id)?.hidePopover()
  return (
    <>
      {cloneElement(trigger, { popoverTarget: id })}
      <dialog
        id={id}
        popover="auto"
        aria-label={label}
        onToggle={(event) => setOpen(event.newState === 'open')}
        className={cx(SHEET, 'fixed inset-auto m-0 max-h-[min(70vh,560px)] max-w-[calc(100vw-16px)] overflow-y-auto', !open && 'invisible', className)}
      >
        {open && (typeof children === 'function' ? children(close) : children)}
      </dialog>
    </>
  )
}
