//! The Explore page.
import { Page } from '@/frame/Page'

export function ExplorePage() {
  return (
    <Page title="Explore">
      <div className="p-4" />
    </Page>
  )
}
