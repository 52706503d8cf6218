//! Five thousand events a second: CPU while following and paused, and the heap over minutes.
import { spawn } from 'node:child_process'
import { open } from '../../e2e/browser.mjs'
import { until } from '../../e2e/until.mjs'
import { binary } from '../../e2e/whittle.mjs'
import { heapMB, mainThread } from './cost.mjs'
import { heading, note } from './report.mjs'

const RATE = 5000
const TRACE_MS = 20_000
const HELD = 100_000
/** How long the heap is watched; `HEAP_MINUTES` shortens it. */
const MINUTES = Number(process.env.HEAP_MINUTES ?? 10)

const pass = (ms) => new Promise((done) => setTimeout(done, ms))

async function share(session, name) {
  const { cpu, longest, took } = await mainThread(session, () => pass(TRACE_MS))
  note(`main thread, ${name}`, (100 * cpu) / took, '%', 15)
  note(`longest task, ${name}, CPU`, longest, 'ms', 50)
}

async function heap(session) {
  const first = await heapMB(session)
  note(`heap with ${HELD.toLocaleString('en')} rows held, after collection`, first, 'MB', 60)
  let most = first
  for (let minute = 0; minute < MINUTES; minute++) {
    await pass(60_000)
    most = Math.max(most, await heapMB(session))
  }
  note(`its growth over ${MINUTES} minutes`, most - first, 'MB', 3)
}

export async function live(chrome, server) {
  heading(`${RATE.toLocaleString('en')} events a second`)
  const demo = spawn(binary(), ['demo', '--url', `http://127.0.0.1:${server.ports.ingestion}`, '--rate', String(RATE), '--for', 'forever'], { stdio: 'ignore' })
  try {
    const { page, grid, close } = await open(chrome, `${server.page}/explore`, { reducedMotion: 'no-preference' })
    const session = await page.context().newCDPSession(page)
    await page.getByText('Following').waitFor()
    const rate = () => page.evaluate(() => Number((/Live · ([\d,]+)\/s/.exec(document.body.innerText)?.[1] ?? '0').replace(',', '')))
    await until(`${RATE} events a second to come`, 60_000, async () => (await rate()) > RATE * 0.9)
    await share(session, 'following')
    await until(`${HELD} rows to be held`, 120_000, async () => Number(await grid.getAttribute('aria-rowcount')) > HELD)
    await heap(session)
    await grid.hover()
    await page.mouse.wheel(0, 600)
    await page.getByRole('button', { name: 'Paused: resume' }).waitFor()
    await share(session, 'paused')
    await close()
    await overview(chrome, server)
  } finally {
    demo.kill('SIGTERM')
  }
}

async function overview(chrome, server) {
  const { page, close } = await open(chrome, `${server.page}/?since=5`)
  await page.locator('canvas').nth(2).waitFor()
  await share(await page.context().newCDPSession(page), 'overview of five minutes')
  await close()
}
