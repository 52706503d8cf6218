//! The way between the pages: a rail at the side, icons alone where it is narrow, a bar at the bottom on a phone.
import { Blocks, ChartNoAxesColumn, Keyboard, Moon, Search, Sun, TextSearch, type LucideIcon } from 'lucide-react'
import { Kbd } from '@/components/ui/kbd'
import { tip } from '@/components/ui/tooltip'
import { cx } from '@/lib/cx'
import { Link } from './Link'
import type { Path } from './routes'
import { openSheet } from './sheets'
import { toggleTheme, useTheme } from './theme'

export interface Place {
  to: Path
  name: string
  keys: string
  icon: LucideIcon
}

export const PLACES: readonly Place[] = [
  { to: '/', name: 'Overview', keys: 'g o', icon: ChartNoAxesColumn },
  { to: '/explore', name: 'Explore', keys: 'g e', icon: TextSearch },
  { to: '/patterns', name: 'Patterns', keys: 'g p', icon: Blocks },
]

const ITEM = cx(
  'flex h-9 items-center gap-3 rounded-lg px-2.5 font-medium text-muted transition-colors hover:bg-hover hover:text-ink',
  'aria-[current=page]:bg-accent-soft! aria-[current=page]:text-ink! aria-[current=page]:[&_svg]:text-accent',
  'max-lg:justify-center max-sm:h-12 max-sm:flex-1 max-sm:flex-col max-sm:gap-0.5 max-sm:text-[11px]',
)
const WORD = 'max-lg:sr-only max-sm:not-sr-only'

function Brand() {
  return (
    <div className="flex h-13 items-center gap-2.5 px-1.5 max-lg:justify-center max-sm:hidden">
      <svg viewBox="0 0 32 32" className="size-6 shrink-0" aria-hidden>
        <rect width="32" height="32" rx="8" className="fill-accent-solid" />
        <path d="M7 10l4.5 12L16 12l4.5 10L25 10" fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
      <span className="text-[15px] font-semibold tracking-tight max-lg:hidden">Whittle</span>
    </div>
  )
}

function PlaceLink({ place }: { place: Place }) {
  const Icon = place.icon
  return (
    <Link
      to={place.to}
      className={ITEM}
      {...tip(place.name, place.keys, 'right')}
    >
      <Icon aria-hidden className="size-[18px] shrink-0" />
      <span className={WORD}>{place.name}</span>
    </Link>
  )
}

function RailButton({ icon: Icon, name, keys, onClick }: { icon: LucideIcon; name: string; keys: string; onClick: () => void }) {
  return (
    <button type="button" onClick={onClick} className={ITEM} {...tip(name, keys, 'right')}>
      <Icon aria-hidden className="size-[18px] shrink-0" />
      <span className="max-lg:sr-only">{name}</span>
      <span className="ml-auto max-lg:hidden" aria-hidden>
        <Kbd keys={keys.replace(' ', '\u00a0')} />
      </span>
    </button>
  )
}

export function Rail() {
  const theme = useTheme()
  return (
    <nav
      aria-label="Pages"
      className={cx(
        'flex w-46 shrink-0 flex-col gap-0.5 border-r border-line bg-surface px-2 pb-3 max-lg:w-14',
        'max-sm:order-last max-sm:w-full max-sm:flex-row max-sm:border-t max-sm:border-r-0 max-sm:px-1 max-sm:py-1',
      )}
    >
      <Brand />
      {PLACES.map((place) => (
        <PlaceLink key={place.to} place={place} />
      ))}
      <button type="button" onClick={toggleTheme} className={cx(ITEM, 'sm:hidden')}>
        {theme === 'dark' ? <Sun aria-hidden className="size-[18px] shrink-0" /> : <Moon aria-hidden className="size-[18px] shrink-0" />}
        {theme === 'dark' ? 'Light' : 'Dark'}
      </button>
      <div className="mt-auto flex flex-col gap-0.5 max-sm:hidden">
        <RailButton icon={Search} name="Go to…" keys="Ctrl K" onClick={() => openSheet('palette')} />
        <RailButton icon={Keyboard} name="Keys" keys="?" onClick={() => openSheet('keys')} />
        <RailButton icon={theme === 'dark' ? Sun : Moon} name={theme === 'dark' ? 'Light theme' : 'Dark theme'} keys="t" onClick={toggleTheme} />
      </div>
    </nav>
  )
}
