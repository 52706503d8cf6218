//! Takes the pictures of the documentation: each page in both themes, from the real binary with the demo's records in it.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { browser, open, row } from '../e2e/browser.mjs'
import { until } from '../e2e/until.mjs'
import { binary, skipReason, whittle } from '../e2e/whittle.mjs'

const folder = fileURLToPath(new URL('../../docs/pictures', import.meta.url))
/** Records a second, in the past as now: charts show no seam. */
const RATE = 20
const PAST_HOURS = 3

const drawn = (page) => page.waitForFunction(() => document.querySelector('.skeleton') === null)

const SHOTS = [
  { name: 'overview', path: '/?since=60', ready: async (page) => await page.getByText('Stored events').waitFor() },
  { name: 'explore', path: '/explore?since=60', ready: async (page) => await row(page, /./).waitFor() },
  {
    name: 'explore-line',
    path: '/explore?live=false&since=60&levels=error',
    ready: async (page) => {
      await row(page, /./).click()
      await page.getByRole('region', { name: 'Lines around it' }).getByRole('listitem').first().waitFor()
    },
  },
  { name: 'patterns', path: '/patterns?since=60', ready: async (page) => await page.locator('[data-pattern]').first().waitFor() },
]
const PHONE = new Set(['overview', 'explore'])

async function take(chrome, server, { name, path, ready }, theme, phone) {
  const size = phone ? { width: 390, height: 844 } : { width: 1440, height: 900 }
  const { page, close } = await open(chrome, server.page + path, { theme, ...size, reducedMotion: 'reduce' })
  await ready(page)
  await drawn(page)
  // Charts are drawn a moment after their data came.
  if (name !== 'patterns') await page.locator('canvas').first().waitFor()
  if (!phone) await page.getByText(/Live · \d/).waitFor()
  await page.mouse.move(0, 0)
  const file = `${name}-${phone ? 'phone-' : ''}${theme}.png`
  await page.screenshot({ path: join(folder, file) })
  console.log(`docs/pictures/${file}`)
  await close()
}

const missing = skipReason()
if (missing !== undefined) {
  console.error(missing)
  process.exit(1)
}
mkdirSync(folder, { recursive: true })
const server = await whittle()
const demo = (...args) => spawn(binary(), ['demo', '--url', `http://127.0.0.1:${server.ports.ingestion}`, ...args], { stdio: 'ignore' })
// The demo fills the past at a tenth of its rate.
const past = demo('--rate', String(RATE * 10), '--for', '0s', '--backfill', `${PAST_HOURS}h`)
await new Promise((done) => past.once('exit', done))
const present = demo('--rate', String(RATE), '--for', 'forever')
const chrome = await browser()
try {
  await until('the past and half a minute of the present to be stored', 600_000, async () => (await server.total()) > RATE * (PAST_HOURS * 3600 + 30))
  for (const shot of SHOTS) {
    for (const theme of ['dark', 'light']) await take(chrome, server, shot, theme, false)
    if (PHONE.has(shot.name)) await take(chrome, server, shot, 'dark', true)
  }
} finally {
  await chrome.close()
  present.kill('SIGTERM')
  await server.stop()
}
