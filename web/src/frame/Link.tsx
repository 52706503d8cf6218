//! A link within the page: a real one, so that it opens in a tab of its own, but followed without a reload.
import { useSyncExternalStore, type ComponentProps, type MouseEvent } from 'react'
import { router, useShown, type Target } from './router'
import type { Path } from './routes'

export interface LinkProps<P extends Path> extends Omit<ComponentProps<'a'>, 'href'> {
  to: P
  search?: Target<P>['search']
  replace?: boolean
}

export function Link<P extends Path>({ to, search, replace, onClick, children, ...rest }: LinkProps<P>) {
  const shown = useShown()
  // Built on what the URL says now: told anew when that changes.
  useSyncExternalStore(router.subscribe, () => (typeof search === 'function' ? router.query : ''))
  const followed = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    router.navigate({ to, search, replace })
  }
  const here = shown.state === 'page' && shown.path === to && search === undefined
  const preload = () => router.preload(to)
  return (
    <a href={router.href(to, search)} aria-current={here ? 'page' : undefined} onClick={followed} onPointerEnter={preload} onFocus={preload} {...rest}>
      {children}
    </a>
  )
}
