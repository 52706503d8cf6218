//! Patterns against the real binary: the list and its order, one pattern in full, two windows compared, and each state.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browser, open, row } from './browser.mjs'
import { wire } from './proxy.mjs'
import { until } from './until.mjs'
import { ago, lines, skipReason, whittle } from './whittle.mjs'

const listed = (page) => page.locator('[data-pattern]')
const templates = (page) => listed(page).allTextContents()
const pattern = (page, text) => page.locator('[data-pattern]', { hasText: text })
const detailOf = (page) => page.getByRole('region', { name: 'Pattern', exact: true })

describe('Patterns', { skip: skipReason() }, () => {
  let server
  let chrome
  before(async () => {
    server = await whittle()
    chrome = await browser()
    await server.store([
      ...lines(0, 200, { timestamp: ago(2) }),
      ...lines(0, 100, { timestamp: ago(7) }),
      ...Array.from({ length: 30 }, (_, i) => ({ source: i % 3 ? 'auth' : 'gate', level: 'warn', message: `user u${i % 4} failed to sign in from 10.0.0.${i}`, timestamp: ago(3) })),
      ...lines(0, 40, { source: 'cron', level: 'info', message: 'heartbeat of the scheduler', timestamp: ago(8) }),
      ...lines(0, 12, { source: 'payments', level: 'error', message: 'card provider answered 503', timestamp: ago(1) }),
    ])
  })
  after(async () => {
    await chrome?.close()
    await server?.stop()
  })
  const show = (path = '/patterns', options) => open(chrome, server.page + path, options)

  it('lists what there is, most lines first, with the course of each from one question', async () => {
    const asked = []
    const { page, close } = await open(chrome, 'about:blank')
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    await page.goto(`${server.page}/patterns`)
    await until('four patterns', 30_000, async () => (await listed(page).count()) === 4)
    assert.match((await templates(page))[0], /^order <\*> was packed/)
    await page.getByText('4 patterns').waitFor()
    const table = page.getByRole('table', { name: 'Patterns' })
    assert.equal(await table.getAttribute('aria-rowcount'), '5')
    assert.equal(await table.locator(`tbody svg[viewBox^="0 0 100"] path[d*="L"]`).count(), 4, 'each has a course')
    assert.ok(!asked.includes('/api/stats/histogram'), `asked ${asked.join()}`)
    await close()
  })

  it('orders by the heads of its columns and by the list, as the URL says', async () => {
    const { page, close } = await show()
    await listed(page).first().waitFor()
    await page.getByRole('combobox', { name: 'Order' }).selectOption({ label: 'Most errors' })
    await page.waitForURL(/sort=errors/)
    await until('the errors to be first', 30_000, async () => (await templates(page))[0].startsWith('card provider'))
    await page.reload()
    await until('the same order', 30_000, async () => (await templates(page))[0]?.startsWith('card provider') === true)
    await page.getByRole('button', { name: 'Lines' }).click()
    await until('most lines to be first', 30_000, async () => (await templates(page))[0].startsWith('order'))
    await close()
  })

  it('finds templates by words, and keeps filters in the URL', async () => {
    const { page, close } = await show()
    await listed(page).first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('SIGN failed')
    await until('one pattern', 30_000, async () => (await listed(page).count()) === 1)
    await page.waitForURL(/find=SIGN/)
    await page.getByRole('button', { name: 'error', exact: true }).click()
    await page.getByText('No template contains this').waitFor()
    await page.getByRole('button', { name: 'Show all templates' }).click()
    await until('the errors', 30_000, async () => (await templates(page)).every((text) => text.startsWith('card provider')))
    assert.match(page.url(), /levels=error/)
    const shared = await show(new URL(page.url()).pathname + new URL(page.url()).search)
    await until('the same, shared', 30_000, async () => (await listed(shared.page).count()) === 1)
    await shared.close()
    const odd = await show('/patterns?sort=loud&since=x&levels=none&page=-1&sel=no')
    await until('a usable list', 30_000, async () => (await listed(odd.page).count()) === 4)
    await odd.close()
    await close()
  })

  it('compares two windows: what grew, what is back, what is gone', async () => {
    const { page, close } = await show('/patterns?since=5&sort=change')
    await pattern(page, 'heartbeat').waitFor()
    const change = (text) => page.getByRole('row').filter({ has: pattern(page, text) }).locator('td').nth(3).textContent()
    assert.equal(await change('heartbeat'), 'gone')
    assert.equal(await change('order'), '+100%')
    assert.match(await change('card provider'), /^(new|back)$/)
    await page.getByText(/· 1 gone/).waitFor()
    await page.getByText('Change: against the 5 minutes before').waitFor()
    await close()
  })

  it('shows one in full: values of each variable, course, sources and lines', async () => {
    const { page, close } = await show()
    await pattern(page, 'failed to sign in').click()
    await page.waitForURL(/sel=[0-9a-f]{16}/)
    const detail = detailOf(page)
    await detail.getByText('Newest lines').waitFor()
    const holes = detail.getByRole('button', { name: /^Variable \d+: show its values/ })
    await holes.nth(0).hover()
    const first = detail.getByRole('region', { name: 'Values of variable 1' })
    await first.getByText('4 different').waitFor()
    assert.equal(await first.getByRole('listitem').count(), 4)
    await holes.nth(1).focus()
    await detail.getByRole('region', { name: 'Values of variable 2' }).getByText('30 different').waitFor()
    await detail.getByRole('list', { name: 'Lines by source' }).getByText('auth').waitFor()
    await detail.getByRole('figure', { name: 'Trend' }).locator('canvas').waitFor()
    const url = page.url()
    await page.reload()
    await detail.getByText('Newest lines').waitFor()
    assert.equal(page.url(), url)
    await close()
  })

  it('leads to its lines, to all but them, to one of them, and to a stretch of its course', async () => {
    const { page, grid, close } = await show()
    await pattern(page, 'failed to sign in').click()
    const detail = detailOf(page)
    await detail.getByRole('link', { name: 'Show its lines' }).click()
    await page.waitForURL(/\/explore\?.*pattern=/)
    await until('its lines', 30_000, async () => (await grid.getAttribute('aria-rowcount')) === '31')
    await page.goBack()
    await detail.getByRole('link', { name: 'Explore without it' }).click()
    await page.waitForURL(/q=-pattern/)
    await row(page, 'order').waitFor()
    assert.equal(await row(page, 'failed to sign in').count(), 0)
    await page.goBack()
    await detail.getByRole('link', { name: /failed to sign in from/ }).first().click()
    await page.getByRole('complementary', { name: 'Line in full' }).getByText(/failed to sign in from 10/).first().waitFor()
    await page.goBack()
    const plot = detail.getByRole('figure', { name: 'Trend' }).locator('.u-over')
    await plot.waitFor()
    await plot.scrollIntoViewIfNeeded()
    const box = await plot.boundingBox()
    await page.mouse.move(box.x + box.width * 0.5, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width - 2, box.y + 20, { steps: 4 })
    await page.mouse.up()
    await page.waitForURL(/\/explore\?(?=.*pattern=)(?=.*from=\d+)/)
    await close()
  })

  it('is used by keys alone, and gives the focus back', async () => {
    const { page, close } = await show()
    await listed(page).first().waitFor()
    await page.keyboard.press('j')
    await page.waitForURL(/sel=/)
    const first = page.url()
    await page.keyboard.press('j')
    await page.waitForURL((url) => url.href !== first)
    await page.keyboard.press('k')
    await page.waitForURL(first)
    await detailOf(page).getByText('Newest lines').waitFor()
    await page.keyboard.press('Escape')
    await detailOf(page).waitFor({ state: 'detached' })
    await until('the row to have the focus', 10_000, () => page.evaluate(() => document.activeElement.dataset.pattern !== undefined))
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await detailOf(page).getByText('Newest lines').waitFor()
    await close()
  })

  it('holds its rows still under the pointer while numbers change', async () => {
    const { page, close } = await show('/patterns?sort=errors')
    await until('four patterns', 30_000, async () => (await listed(page).count()) === 4)
    const seen = await templates(page)
    await pattern(page, 'heartbeat').hover()
    await server.store(lines(0, 60, { source: 'cron', level: 'error', message: 'heartbeat of the scheduler' }))
    const count = () => page.getByRole('row').filter({ has: pattern(page, 'heartbeat') }).locator('td').nth(5).textContent()
    // Read again twice a minute; the window's focus does it at once.
    await until('the new numbers', 60_000, async () => (await count()) === '100')
    assert.deepEqual(await templates(page), seen)
    await page.mouse.move(2, 2)
    await until('the new order', 30_000, async () => (await templates(page))[0].startsWith('heartbeat'))
    await close()
  })

  it('says of a pattern without lines in the range that there are none, not that they are of 1970', async () => {
    const { page, close } = await show()
    await pattern(page, 'failed to sign in').click()
    await page.waitForURL(/sel=/)
    const sel = new URL(page.url()).searchParams.get('sel')
    await page.goto(`${server.page}/patterns?from=${Date.now() - 86_400_000}&to=${Date.now() - 80_000_000}&sel=${sel}`)
    const detail = detailOf(page)
    await detail.getByText('No lines in this range.').first().waitFor()
    const text = await detail.textContent()
    assert.ok(!text.includes('1970'), text)
    assert.match(text, /Last seen–/)
    assert.match(text, /First seen(just now|.* ago)/)
    await close()
  })

  it('without a match says which kind of nothing it is, and widens', async () => {
    const { page, close } = await show(`/patterns?from=${Date.now() - 86_400_000}&to=${Date.now() - 80_000_000}&source=shop`)
    await page.getByText('No lines in this range').waitFor()
    await page.getByRole('button', { name: 'Look at the last 7 days' }).click()
    await until('patterns of the shop', 30_000, async () => (await listed(page).count()) === 1)
    await page.getByRole('button', { name: 'Remove the filter source shop' }).click()
    await until('all', 30_000, async () => (await listed(page).count()) === 4)
    await close()
  })

  it('keeps its layout while it loads, says what failed, keeps what it has, and says where it is not whole', async () => {
    const { page, close } = await open(chrome, 'about:blank', { allowed: [/503/] })
    let mode = 'hold'
    let go = () => undefined
    const held = new Promise((done) => (go = done))
    await page.route('**/api/patterns?*', async (route) => {
      if (mode === 'hold') await held
      if (mode === 'down') return await route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ error: 'not_ready', message: 'The history still replays.' }) })
      const response = await route.fetch()
      await route.fulfill({ response, headers: { ...response.headers(), 'X-Partial': 'the query took too long' } })
    })
    await page.goto(`${server.page}/patterns`)
    await page.locator('tbody .skeleton').first().waitFor()
    const head = await page.getByRole('columnheader', { name: 'Template' }).boundingBox()
    mode = 'down'
    go()
    await page.getByRole('alert').getByText('The history still replays.').waitFor()
    mode = 'partial'
    await page.getByRole('button', { name: 'Try again' }).click()
    await until('four patterns', 30_000, async () => (await listed(page).count()) === 4)
    assert.deepEqual(await page.getByRole('columnheader', { name: 'Template' }).boundingBox(), head)
    await page.getByText('Not all of it: the query took too long').waitFor()
    await close()
  })

  it('keeps what it shows while the server is away', async () => {
    const cable = await wire(server.ports.dashboard)
    const { page, close } = await open(chrome, `${cable.url}/patterns`, { allowed: [/ERR_|WebSocket/] })
    await until('four patterns', 30_000, async () => (await listed(page).count()) === 4)
    cable.cut()
    await page.getByText('Disconnected from the live stream').waitFor()
    await pattern(page, 'failed to sign in').click()
    await detailOf(page).getByText('This pattern could not be read').waitFor()
    assert.equal(await listed(page).count(), 4)
    cable.mend()
    await detailOf(page).getByRole('button', { name: 'Try again' }).first().click()
    await detailOf(page).getByText('Newest lines').waitFor()
    await close()
    await cable.close()
  })

  it('on a phone gives the list’s place to the pattern, and goes back', async () => {
    const { page, close } = await show('/patterns', { width: 390, height: 844 })
    await pattern(page, 'failed to sign in').click()
    await detailOf(page).getByText('Newest lines').waitFor()
    assert.equal(await page.getByRole('table', { name: 'Patterns' }).isVisible(), false)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
    await page.getByRole('button', { name: 'Back to the list' }).click()
    await listed(page).first().waitFor()
    await close()
  })

  it('without any data ever says how to send some, and shows what comes', async () => {
    const fresh = await whittle()
    const { page, close } = await open(chrome, `${fresh.page}/patterns`)
    await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
    await fresh.send(lines(0, 5))
    await pattern(page, 'was packed').waitFor()
    await close()
    await fresh.stop()
  })

  it('takes thousands of patterns from thousands of sources', async () => {
    const word = (n) => [...n.toString(26)].map((digit) => 'abcdefghijklmnopqrstuvwxyz'[Number.parseInt(digit, 26)]).join('')
    const text = (i) => Array.from({ length: 2 + (i % 11) }, (_, w) => `${kinds[(i >> w) % 10]}${word(i % 97)}`).join(' ')
    const kinds = ['started', 'stopped', 'failed', 'waits', 'runs', 'sleeps', 'wakes', 'loads', 'saves', 'sends']
    await server.store(Array.from({ length: 10_000 }, (_, i) => ({ source: `service-${i}`, message: 'spread over many sources' })))
    await server.store(Array.from({ length: 3000 }, (_, i) => ({ source: 'many', message: text(i) })))
    const { page, close } = await show()
    await pattern(page, 'spread over many sources').click()
    const sources = detailOf(page).getByRole('list', { name: 'Lines by source' })
    await sources.getByText(/^9,990 others$/).waitFor()
    assert.equal(await sources.getByRole('listitem').count(), 11)
    assert.ok((await listed(page).count()) < 80, 'only rows in sight exist')
    await close()
  })
})
