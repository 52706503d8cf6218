//! The Patterns page.
import { Page } from '@/frame/Page'

export function PatternsPage() {
  return (
    <Page title="Patterns" scroll>
      <div className="p-4" />
    </Page>
  )
}
