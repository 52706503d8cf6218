//! Reading what is stored: a list of 250,000 rows, then ten million rows.
import { spawn } from 'node:child_process'
import { open, row, rowCount } from '../../e2e/browser.mjs'
import { until } from '../../e2e/until.mjs'
import { binary, lines } from '../../e2e/whittle.mjs'
import { cpuSeconds, mainThread, rested, timed } from './cost.mjs'
import { heading, note } from './report.mjs'

const LIST = 250_000
const MANY = 10_000_000
/** So many records a second make ten million in a day. */
const PAST_RATE = Math.ceil((MANY - LIST) / 86_400) + 1

/** 250,000 rows to scroll over. */
export async function list(chrome, server) {
  heading(`A list of ${LIST.toLocaleString('en')} rows`)
  for (let at = 0; at < LIST; at += 10_000) await server.send(lines(at, at + 10_000))
  await until(`${LIST} rows to be stored`, 600_000, async () => (await server.total()) >= LIST)
  const { page, grid, close } = await open(chrome, `${server.page}/explore?live=false`)
  await row(page, 'order').waitFor()
  note('rows that cannot be scrolled to', LIST - (await rowCount(grid)), '', 0)
  await grid.focus()
  const last = await timed(page, () => page.keyboard.press('End'), () => [...document.querySelectorAll('[data-index]')].some((line) => line.textContent.includes('order 0 was packed')))
  note('End key, to the last row on screen', last / 1000, 's', 0.5)
  await close()
}

/** Ten million rows of a day, as the demo's services write them. */
export async function fill(server) {
  const past = spawn(binary(), ['demo', '--url', `http://127.0.0.1:${server.ports.ingestion}`, '--rate', String(PAST_RATE * 10), '--for', '1s', '--backfill', '24h'], { stdio: 'ignore' })
  const ended = new Promise((done) => past.once('exit', done))
  await until(`${MANY} rows to be stored`, 1_800_000, async () => (await server.total()) >= MANY || past.exitCode !== null)
  await ended
  await rested(server.child.pid)
}

const CHANGES = [
  ['only errors', async (page) => await page.getByRole('region', { name: 'Filter by level' }).getByRole('button', { name: /^error/ }).click()],
  ['a source', async (page) => await page.getByRole('region', { name: 'Filter by source' }).getByRole('button').first().click()],
  ['a word', async (page) => await typed(page, 'heartbeats')],
  ['a phrase', async (page) => await typed(page, '"signed in from"')],
  ['a field', async (page) => await typed(page, 'db:auth')],
]

async function typed(page, text) {
  await page.getByRole('combobox', { name: 'Search lines' }).fill(text)
  await page.keyboard.press('Enter')
}

/** Rows of the new filters are there, and all counts. */
const answered = () => {
  const grid = document.querySelector('[role="grid"]')
  return grid !== null && grid.getAttribute('aria-busy') !== 'true' && document.querySelector('[data-index] .log-text') !== null && document.querySelector('.skeleton') === null
}

async function changed(chrome, server, [name, change]) {
  const { page, close } = await open(chrome, `${server.page}/explore?live=false&since=60`)
  await page.waitForFunction(answered)
  const session = await page.context().newCDPSession(page)
  const before = cpuSeconds(server.child.pid)
  const { cpu } = await mainThread(session, async () => {
    const url = page.url()
    await change(page)
    await page.waitForURL((now) => now.href !== url)
    await page.waitForLoadState('networkidle')
    await page.waitForFunction(answered)
  })
  note(`filter by ${name}: server and main thread together, CPU`, (cpuSeconds(server.child.pid) - before) * 1000 + cpu, 'ms', 300)
  await close()
}

/** Opening and filtering ten million rows. */
export async function tenMillion(chrome, server) {
  heading(`${MANY.toLocaleString('en')} stored rows of a day`)
  const { page, close } = await open(chrome, `${server.page}/explore?live=false`)
  await row(page, /./).waitFor()
  note('first rows after opening the history', (await page.evaluate(() => performance.now())) / 1000, 's', 1)
  await close()
  const live = await open(chrome, `${server.page}/explore`)
  await row(live.page, /./).waitFor()
  note('first rows after opening Explore, live', (await live.page.evaluate(() => performance.now())) / 1000, 's', 1)
  await live.close()
  for (const change of CHANGES) await changed(chrome, server, change)
}
