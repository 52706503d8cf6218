//! The start of the page.
import './styles.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { worthRetrying } from './api/client'
import { Frame } from './frame/Frame'
import { keys } from './frame/keys'
import { router } from './frame/router'
import './live/live'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      retry: (failures, error) => failures < 2 && worthRetrying(error),
      retryDelay: (failures) => 400 * 2 ** failures,
    },
  },
})

router.start()
document.addEventListener('keydown', (event) => keys.handle(event))

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Frame />
      </QueryClientProvider>
    </StrictMode>,
  )
}
