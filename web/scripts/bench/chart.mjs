//! One update of a stacked chart of 300 × 5, drawn by the page's own code.
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'
import { open } from '../../e2e/browser.mjs'
import { mainThread } from './cost.mjs'
import { heading, note } from './report.mjs'

const UPDATES = 100

export async function chart(chrome) {
  heading('Charts')
  const server = await createServer({ root: fileURLToPath(new URL('../..', import.meta.url)), logLevel: 'silent', server: { port: 0, host: '127.0.0.1', proxy: {} } })
  await server.listen()
  try {
    const { page, close } = await open(chrome, `http://127.0.0.1:${server.httpServer.address().port}/scripts/bench/chart.html`)
    const session = await page.context().newCDPSession(page)
    await page.waitForFunction(() => globalThis.updates !== undefined)
    await page.evaluate(() => globalThis.updates(10))
    const { cpu } = await mainThread(session, () => page.evaluate((n) => globalThis.updates(n), UPDATES))
    note('one update of 300 × 5, CPU of the main thread', cpu / UPDATES, 'ms', 15)
    await close()
  } finally {
    await server.close()
  }
}
