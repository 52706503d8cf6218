//! The page in the frame, or why there is none.
import { Component, type ReactNode } from 'react'
import { buttonClass } from '@/components/ui/button'
import { Empty, Failure } from '@/components/ui/states'
import { Link } from './Link'
import { Page } from './Page'
import { useShown } from './router'

function NotFound() {
  const home = (
    <Link to="/" className={buttonClass('solid')}>
      Go to the overview
    </Link>
  )
  return (
    <Page title="Not found">
      <Empty title="There is no such page" className="flex-1" actions={home}>
        The address may be mistyped, or of another version.
      </Empty>
    </Page>
  )
}

function Broken({ error, title }: { error: unknown; title: string }) {
  return (
    <Page title="Error">
      <Failure error={error} title={title} onRetry={() => location.reload()} className="flex-1" />
    </Page>
  )
}

/** Holds a failure of one page, so that the way to the others stays. */
class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null }

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error }
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <Broken error={this.state.error} title="This page failed" />
  }
}

export function ShownPage() {
  const shown = useShown()
  switch (shown.state) {
    case 'loading':
      return <main className="flex-1" />
    case 'unknown':
      return <NotFound />
    case 'failed':
      return <Broken error={shown.error} title="This page could not be loaded. Whittle may have been upgraded meanwhile." />
    case 'page':
      return (
        <Boundary key={shown.path}>
          <shown.Component />
        </Boundary>
      )
  }
}
