//! Buttons: one look for each weight. An icon alone always has a name, which is its tooltip too.
import type { ComponentProps, ReactNode } from 'react'
import { cx } from '@/lib/cx'
import { tip } from './tooltip'

export type ButtonKind = 'plain' | 'solid' | 'ghost'

const LOOKS: Record<ButtonKind, string> = {
  plain: 'border border-line bg-surface text-ink hover:bg-hover hover:border-line-strong',
  solid: 'border border-transparent bg-accent-solid text-on-accent hover:brightness-110',
  ghost: 'border border-transparent text-muted hover:bg-hover hover:text-ink',
}

export interface ButtonProps extends ComponentProps<'button'> {
  kind?: ButtonKind
  small?: boolean
}

export function buttonClass(kind: ButtonKind = 'plain', small = false): string {
  return cx(
    'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors',
    'disabled:cursor-not-allowed disabled:opacity-50',
    small ? 'h-7 px-2 text-xs' : 'h-8 px-3 text-[13px]',
    LOOKS[kind],
  )
}

export function Button({ kind, small, className, type = 'button', ...rest }: ButtonProps) {
  return <button type={type} className={cx(buttonClass(kind, small), className)} {...rest} />
}

export interface IconButtonProps extends Omit<ButtonProps, 'aria-label' | 'title'> {
  label: string
  /** A key that does the same, shown in the tooltip. */
  shortcut?: string
  children: ReactNode
}

export function IconButton({ label, shortcut, kind = 'ghost', small, className, children, ...rest }: IconButtonProps) {
  return (
    <Button kind={kind} small={small} aria-label={label} className={cx(small ? 'w-7 !px-0' : 'w-8 !px-0', className)} {...tip(label, shortcut)} {...rest}>
      {children}
    </Button>
  )
}
