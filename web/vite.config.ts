import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { precompress } from './scripts/precompress.ts'

const storage = process.env.STORAGE_URL ?? 'http://127.0.0.1:4000'
const gateway = process.env.GATEWAY_URL ?? 'ws://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), tailwindcss(), precompress()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: {
    host: '127.0.0.1',
    port: 5174,
    // The same two routes that the binary's dashboard role proxies.
    proxy: {
      '/api': { target: storage, changeOrigin: true, rewrite: (path) => path.replace(/^\/api/, '') },
      '/ws': { target: gateway, ws: true, changeOrigin: true, rewrite: (path) => path.replace(/^\/ws/, '/') },
    },
  },
  build: {
    target: 'es2023',
    // The content security policy allows this origin's files only: nothing inline, no data URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  // A component test takes 0.5 s of CPU; machines that build at the same time are many times slower.
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'], testTimeout: 30_000 },
})
