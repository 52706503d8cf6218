//! A sheet over the page. The browser's own `<dialog>`: it holds the focus, makes the rest inert and closes on Esc.
import { useEffect, useRef, type ReactNode } from 'react'
import { cx } from '@/lib/cx'

export interface ModalProps {
  label: string
  onClose: () => void
  className?: string
  children: ReactNode
}

export function Modal({ label, onClose, className, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    dialog.current?.querySelector<HTMLElement>('[data-first-focus]')?.focus()
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true })
    }
  }, [])
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions -- Esc is the dialog's own key for this
    <dialog
      ref={dialog}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close()
      }}
      className={cx(
        'fixed top-[12vh] left-1/2 m-0 w-[min(580px,calc(100vw-24px))] -translate-x-1/2 overflow-hidden rounded-xl border border-line-strong bg-surface p-0 text-ink shadow-(--shadow) backdrop:bg-black/50',
        className,
      )}
    >
      {children}
    </dialog>
  )
}
