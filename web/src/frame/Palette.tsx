//! Everything by name: pages, what the page offers now, sources, the theme, a search for what was typed.
import { useQuery } from '@tanstack/react-query'
import { Command } from 'cmdk'
import { Search } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { facetsQuery } from '@/api/queries'
import { Kbd } from '@/components/ui/kbd'
import { Modal } from '@/components/ui/modal'
import { plain } from '@/lib/hostile'
import { keys } from './keys'
import { PLACES } from './Rail'
import { navigate } from './router'
import { toggleTheme } from './theme'

const ITEM = 'flex h-9 items-center gap-3 rounded-md px-3 text-muted data-[selected=true]:bg-accent-soft data-[selected=true]:text-ink'
const GROUP = '[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-semibold [&_[cmdk-group-heading]]:text-subtle'

function Item({ shortcut, onSelect, value, children }: { shortcut?: string; onSelect: () => void; value?: string; children: ReactNode }) {
  return (
    <Command.Item value={value} onSelect={onSelect} className={ITEM}>
      <span className="min-w-0 truncate">{children}</span>
      {shortcut !== undefined && (
        <span className="ml-auto">
          <Kbd keys={shortcut} />
        </span>
      )}
    </Command.Item>
  )
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const facets = useQuery(facetsQuery({}, 'source', 50))
  // What the page offers now, as its keys say it.
  const [offered] = useState(() => keys.all().filter(({ group }) => group !== 'Everywhere' && group !== 'Lines'))
  const then = (run: () => void) => () => {
    onClose()
    run()
  }
  const words = typed.trim()
  return (
    <Modal label="Commands" onClose={onClose}>
      <Command label="Commands" loop>
        <div className="flex items-center gap-2 border-b border-line px-4">
          <Search aria-hidden className="size-4 text-subtle" />
          <Command.Input
            data-first-focus
            value={typed}
            onValueChange={setTyped}
            placeholder="Go to, search or do…"
            className="h-11 flex-1 bg-transparent text-sm outline-none"
          />
        </div>
        <Command.List className="max-h-[50vh] overflow-y-auto p-1.5">
          <Command.Empty className="px-3 py-6 text-center text-muted">Nothing by this name.</Command.Empty>
          <Command.Group heading="Go to" className={GROUP}>
            {PLACES.map((place) => (
              <Item key={place.to} shortcut={place.keys} onSelect={then(() => navigate({ to: place.to }))}>
                {place.name}
              </Item>
            ))}
          </Command.Group>
          {offered.length > 0 && (
            <Command.Group heading="On this page" className={GROUP}>
              {offered.map((binding) => (
                <Item key={binding.keys} shortcut={binding.keys} onSelect={then(() => binding.run(new KeyboardEvent('keydown')))}>
                  {binding.does}
                </Item>
              ))}
            </Command.Group>
          )}
          <Command.Group heading="Anything" className={GROUP}>
            <Item shortcut="t" onSelect={then(toggleTheme)}>
              Switch between dark and light
            </Item>
            <Item onSelect={then(() => navigate({ to: '/explore', search: { levels: 'error', since: 60 } }))}>Errors of the last hour</Item>
            {words !== '' && (
              <Item value={`search ${words}`} onSelect={then(() => navigate({ to: '/explore', search: { q: words } }))}>
                Search lines for “{words}”
              </Item>
            )}
          </Command.Group>
          {(facets.data?.fields.source ?? []).length > 0 && (
            <Command.Group heading="Sources" className={GROUP}>
              {(facets.data?.fields.source ?? []).map(({ value }) => (
                <Item key={value} value={`source ${value}`} onSelect={then(() => navigate({ to: '/explore', search: { source: value } }))}>
                  {plain(value, 120)}
                </Item>
              ))}
            </Command.Group>
          )}
        </Command.List>
      </Command>
    </Modal>
  )
}
