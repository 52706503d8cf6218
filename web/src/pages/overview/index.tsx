//! The Overview page.
import { Page } from '@/frame/Page'

export function OverviewPage() {
  return (
    <Page title="Overview" scroll>
      <div className="p-4" />
    </Page>
  )
}
