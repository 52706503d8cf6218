//! Round every page: the rail, the strip that tells of a lost connection, the sheets and the keys that work everywhere.
import { lazy, Suspense } from 'react'
import { TooltipLayer } from '@/components/ui/tooltip'
import { DisconnectedStrip } from './DisconnectedStrip'
import { useKeys, type Binding } from './keys'
import { PLACES, Rail } from './Rail'
import { navigate } from './router'
import { ShownPage } from './Shown'
import { closeSheet, openSheet, useSheet } from './sheets'
import { toggleTheme } from './theme'

const Palette = lazy(() => import('./Palette'))
const KeyList = lazy(() => import('./KeyList'))

function useFrameKeys(): void {
  const places: Binding[] = PLACES.map(({ to, name, keys }) => ({ keys, does: `Go to ${name}`, group: 'Everywhere', run: () => navigate({ to }) }))
  useKeys([
    { keys: 'Ctrl K', does: 'Commands', group: 'Everywhere', always: true, run: () => openSheet('palette') },
    ...places,
    { keys: 't', does: 'Dark or light', group: 'Everywhere', run: toggleTheme },
    { keys: '?', does: 'This list', group: 'Everywhere', run: () => openSheet('keys') },
  ])
}

export function Frame() {
  useFrameKeys()
  const sheet = useSheet()
  return (
    <>
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:bg-accent-solid focus:p-2 focus:text-on-accent">
        Skip to content
      </a>
      <div className="flex h-full min-w-0 max-sm:flex-col">
        <Rail />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <DisconnectedStrip />
          <ShownPage />
        </div>
      </div>
      <Suspense>
        {sheet === 'palette' && <Palette onClose={closeSheet} />}
        {sheet === 'keys' && <KeyList onClose={closeSheet} />}
      </Suspense>
      <TooltipLayer />
    </>
  )
}
