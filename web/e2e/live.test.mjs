//! The stream under stress: more than a page takes, a page that doesn't keep up, a tab that nobody sees, a reader at the very start.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browser, inSight, open, row } from './browser.mjs'
import { wire } from './proxy.mjs'
import { until } from './until.mjs'
import { lines, skipReason, whittle } from './whittle.mjs'

/** Few events of room, and few that a page is sent, so that little is much. */
const TIGHT = '[gateway]\nroom_events = 2000\nsample_above = 500\nsend_buffer_bytes = 16384\n'

describe('The stream', { skip: skipReason() }, () => {
  let server
  let chrome
  before(async () => {
    server = await whittle(TIGHT)
    chrome = await browser()
    await server.store(lines(0, 300))
  })
  after(async () => {
    await chrome?.close()
    await server?.stop()
  })

  it('moves no row under who reads from the first moment on, while events stream in', async () => {
    const enough = new AbortController()
    const stream = (async () => {
      for (let at = 1000; !enough.signal.aborted; at += 5) await server.send(lines(at, at + 5))
    })()
    const { page, grid, close } = await open(chrome, `${server.page}/explore`)
    await row(page, 'order').waitFor()
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Paused: resume' }).waitFor()
    const seen = await inSight(grid)
    for (let look = 0; look < 30; look++) {
      assert.deepEqual(await inSight(grid), seen)
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 60))))
    }
    await page.getByRole('button', { name: /^[\d,]+ new · jump to latest$/ }).waitFor()
    enough.abort()
    await stream
    await close()
  })

  it('has each row once, in order, whatever was on its way when the page opened', async () => {
    await server.store(lines(50_000, 50_010))
    const sent = server.send(lines(50_010, 50_040))
    const { page, grid, close } = await open(chrome, `${server.page}/explore`, { height: 1800 })
    await sent
    await until('the newest to be on top', 30_000, async () => (await inSight(grid))[0] === 'order 50039 was packed')
    assert.deepEqual((await inSight(grid)).slice(0, 40), lines(50_000, 50_040).map(({ message }) => message).toReversed())
    await page.getByText('Following').waitFor()
    await close()
  })

  it('keeps an open line and what stands around it while more comes', async () => {
    const { page, grid, close } = await open(chrome, `${server.page}/explore`)
    await row(page, 'order 50020 was packed').click()
    const drawer = page.getByRole('complementary', { name: 'Line in full' })
    await until('twenty lines on each side', 30_000, async () => (await drawer.getByRole('region', { name: 'Lines around it' }).getByRole('listitem').count()) >= 40)
    const seen = await inSight(grid)
    await server.send(lines(60_000, 60_100))
    await page.getByRole('button', { name: '100 new · jump to latest' }).waitFor()
    assert.deepEqual(await inSight(grid), seen)
    await drawer.getByText('order 50020 was packed').first().waitFor()
    await page.keyboard.press('l')
    await until('the newest to be on top', 30_000, async () => (await inSight(grid))[0] === 'order 60099 was packed')
    await drawer.waitFor({ state: 'detached' })
    await close()
  })

  it('says when it shows one in so many, and counts all of them', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore`)
    await page.getByText('Following').waitFor()
    await until('a sample to be told', 30_000, async () => {
      await server.send(lines(0, 3000, { source: 'flood' }))
      return (await page.getByText(/Showing 1 in \d+: more come than can be shown/).count()) > 0
    })
    await close()
  })

  it('says how many it had to skip for a page that does not keep up', async () => {
    const cable = await wire(server.ports.dashboard)
    const { page, close } = await open(chrome, `${cable.url}/explore?source=slow`)
    await page.getByText('Following').waitFor()
    cable.hold()
    // More than the gateway holds for one that does not read (128 MiB), and large: what is let through of a fast stream must
    // fill all buffers on the way, too.
    const context = { padding: 'x'.repeat(5000) }
    for (let i = 0; i < 20; i++) await server.send(lines(i * 2000, (i + 1) * 2000, { source: 'slow', context }))
    cable.release()
    await page.getByText(/[\d,]+ skipped: the page was too slow; the history has them/).waitFor()
    await close()
    await cable.close()
  })

  it('renders nothing in a tab that nobody sees, and catches up when it is seen', async () => {
    const { page, grid, close } = await open(chrome, 'about:blank')
    await page.addInitScript(() => {
      globalThis.away = false
      Object.defineProperty(document, 'hidden', { get: () => globalThis.away })
    })
    await page.goto(`${server.page}/explore?source=shop`)
    await page.getByText('Following').waitFor()
    await row(page, 'order').waitFor()
    const seen = await inSight(grid)
    const look = (away) =>
      page.evaluate((hidden) => {
        globalThis.away = hidden
        document.dispatchEvent(new Event('visibilitychange'))
      }, away)
    await look(true)
    await server.store(lines(70_000, 70_020))
    assert.deepEqual(await inSight(grid), seen)
    await look(false)
    await until('the newest to be on top', 30_000, async () => (await inSight(grid))[0] === 'order 70019 was packed')
    await close()
  })
})
