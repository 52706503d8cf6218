//! The keys that work now, as a list.
import { X } from 'lucide-react'
import { IconButton } from '@/components/ui/button'
import { Kbd } from '@/components/ui/kbd'
import { Modal } from '@/components/ui/modal'
import { useAllKeys } from './keys'

/** What the controls themselves do; nothing of it is bound by a page. */
const BY_CONTROL: readonly { group: string; list: readonly [does: string, keys: string][] }[] = [
  { group: 'In the table', list: [['Up, down', '↑ ↓'], ['A screen on', 'PgUp PgDn'], ['First, last', 'Home End']] },
  { group: 'On a chart', list: [['Point in time', '← →'], ['Select', 'Shift →'], ['Zoom in', 'Enter']] },
  { group: 'With the mouse', list: [['Leave a value out', 'Alt click'], ['One series alone', 'Alt click'], ['Zoom in', 'drag']] },
]

function Group({ name, list }: { name: string; list: readonly (readonly [does: string, keys: string])[] }) {
  return (
    <section>
      <h3 className="mb-1.5 text-xs font-semibold text-subtle">{name}</h3>
      <dl>
        {list.map(([does, keys]) => (
          <div key={does} className="flex items-center justify-between gap-4 py-1">
            <dt className="text-muted">{does}</dt>
            <dd>
              <Kbd keys={keys} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

export default function KeyList({ onClose }: { onClose: () => void }) {
  const bindings = useAllKeys()
  const groups = [...new Set(bindings.map(({ group }) => group))]
  return (
    <Modal label="Keys" onClose={onClose}>
      <header className="flex items-center border-b border-line py-2 pr-2 pl-4">
        <h2 className="text-sm font-semibold">Keys</h2>
        <IconButton label="Close" shortcut="Esc" className="ml-auto" onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      <div data-first-focus tabIndex={-1} className="grid max-h-[70vh] gap-x-8 gap-y-4 overflow-y-auto p-4 outline-none sm:grid-cols-2">
        {groups.map((group) => (
          <Group key={group} name={group} list={bindings.filter((binding) => binding.group === group).map(({ keys, does }) => [does, keys])} />
        ))}
        {BY_CONTROL.map(({ group, list }) => (
          <Group key={group} name={group} list={list} />
        ))}
      </div>
    </Modal>
  )
}
