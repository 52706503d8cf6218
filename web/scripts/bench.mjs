//! Measures what the page may cost, in a real browser on the real binary, and prints it beside the goals.
//! CPU time from traces, not frame rates: a machine that is busy with other things gives the same figures.
import { spawn } from 'node:child_process'
import { cpus } from 'node:os'
import { browser, open, row } from '../e2e/browser.mjs'
import { until } from '../e2e/until.mjs'
import { binary, lines, skipReason, whittle } from '../e2e/whittle.mjs'

const RATE = 5000
const TRACE_MS = 20_000
const ROWS = 250_000
const HELD = 100_000

const results = []
const note = (what, value, unit, goal) => {
  results.push({ what, value, goal })
  console.log(`${value <= goal ? 'ok  ' : 'OVER'} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit.padEnd(4)} at most ${goal}  ${what}`)
}

/** CPU of the page's main thread over some time: all of it as a share of a core, and its longest task in ms. */
async function traced(session, ms) {
  const events = []
  const collect = ({ value }) => events.push(...value)
  session.on('Tracing.dataCollected', collect)
  await session.send('Tracing.start', { categories: 'devtools.timeline,toplevel,__metadata', transferMode: 'ReportEvents' })
  await new Promise((done) => setTimeout(done, ms))
  const complete = new Promise((done) => session.once('Tracing.tracingComplete', done))
  await session.send('Tracing.end')
  await complete
  session.off('Tracing.dataCollected', collect)
  const main = events.find(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const tasks = events.filter(({ name, pid, tid, tdur }) => pid === main.pid && tid === main.tid && tdur !== undefined && name.endsWith('RunTask')).map(({ tdur }) => tdur / 1000)
  return { share: (100 * tasks.reduce((sum, one) => sum + one, 0)) / ms, longest: Math.max(0, ...tasks) }
}

async function heapMB(session) {
  await session.send('HeapProfiler.collectGarbage')
  return (await session.send('Runtime.getHeapUsage')).usedSize / 1e6
}

/** ms until `done` is true in the page, by the page's own clock. */
async function timed(page, act, done) {
  const start = await page.evaluate(() => performance.now())
  await act()
  await page.waitForFunction(done)
  return (await page.evaluate(() => performance.now())) - start
}

async function history(chrome, server) {
  for (let at = 0; at < ROWS; at += 10_000) await server.send(lines(at, at + 10_000))
  await until(`${ROWS} rows to be stored`, 600_000, async () => (await server.total()) >= ROWS)
  const { page, grid, close } = await open(chrome, `${server.page}/explore?live=false`)
  await row(page, 'order').waitFor()
  note('first rows after opening the history', (await page.evaluate(() => performance.now())) / 1000, 's', 1)
  await grid.focus()
  const last = await timed(page, () => page.keyboard.press('End'), () => [...document.querySelectorAll('[data-index]')].some((line) => line.textContent.includes('order 0 was packed')))
  note(`End key over ${ROWS} rows, to the last row on screen`, last / 1000, 's', 0.5)
  await close()
}

async function live(chrome, server) {
  const demo = spawn(binary(), ['demo', '--url', `http://127.0.0.1:${server.ports.ingestion}`, '--rate', String(RATE), '--for', 'forever'], { stdio: 'ignore' })
  try {
    const { page, grid, close } = await open(chrome, `${server.page}/explore`, { reducedMotion: 'no-preference' })
    const session = await page.context().newCDPSession(page)
    await page.getByText('Following').waitFor()
    const rate = () => page.evaluate(() => Number((/Live · ([\d,]+)\/s/.exec(document.body.innerText)?.[1] ?? '0').replace(',', '')))
    await until(`${RATE} events a second to come`, 60_000, async () => (await rate()) > RATE * 0.9)
    const following = await traced(session, TRACE_MS)
    note(`main thread at ${RATE} events/s, following`, following.share, '%', 15)
    note('longest task, following', following.longest, 'ms', 50)
    await until(`${HELD} rows to be held`, 120_000, async () => Number(await grid.getAttribute('aria-rowcount')) > HELD)
    note(`heap with ${HELD} rows held, after collection`, await heapMB(session), 'MB', 60)
    await grid.hover()
    await page.mouse.wheel(0, 600)
    const paused = await traced(session, TRACE_MS)
    note(`main thread at ${RATE} events/s, paused`, paused.share, '%', 15)
    note('longest task, paused', paused.longest, 'ms', 50)
    await close()
  } finally {
    demo.kill('SIGTERM')
  }
}

const missing = skipReason()
if (missing !== undefined) {
  console.error(missing)
  process.exit(1)
}
console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}; ${binary()}`)
const server = await whittle()
const chrome = await browser()
try {
  await history(chrome, server)
  await live(chrome, server)
} finally {
  await chrome.close()
  await server.stop()
}
process.exitCode = results.some(({ value, goal }) => value > goal) ? 1 : 0
