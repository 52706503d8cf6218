//! Pages by path. Each is a chunk of its own; its search is validated before it renders.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, type ErrorComponentProps } from '@tanstack/react-router'
import { Empty, Failure } from './components/ui/states'
import { buttonClass } from './components/ui/button'
import { Frame } from './frame/Frame'
import { Page } from './frame/Page'
import { exploreSearch, formatQuery, overviewSearch, parseQuery, patternsSearch } from './lib/search-params'

function NotFound() {
  return (
    <Page title="Not found">
      <Empty
        title="There is no such page"
        className="flex-1"
        actions={
          <Link to="/" className={buttonClass('solid')}>
            Go to the overview
          </Link>
        }
      >
        The address may be mistyped, or of another version.
      </Empty>
    </Page>
  )
}

function Broken({ error }: ErrorComponentProps) {
  return (
    <Page title="Error">
      <Failure error={error} title="This page failed" onRetry={() => location.reload()} className="flex-1" />
    </Page>
  )
}

const root = createRootRoute({ component: Frame, notFoundComponent: NotFound })

// Each by its own name: in one list their searches would have one type.
const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: overviewSearch,
  component: lazyRouteComponent(() => import('./pages/overview'), 'OverviewPage'),
})
const explore = createRoute({
  getParentRoute: () => root,
  path: '/explore',
  validateSearch: exploreSearch,
  component: lazyRouteComponent(() => import('./pages/explore'), 'ExplorePage'),
})
const patterns = createRoute({
  getParentRoute: () => root,
  path: '/patterns',
  validateSearch: patternsSearch,
  component: lazyRouteComponent(() => import('./pages/patterns'), 'PatternsPage'),
})
const routes = root.addChildren([overview, explore, patterns])

export const router = createRouter({
  routeTree: routes,
  parseSearch: parseQuery,
  stringifySearch: formatQuery,
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
  scrollRestoration: false,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
