//! The overview against the real binary: what it says, how it moves on, where it leads, and each state of its panels.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browser, open, row } from './browser.mjs'
import { wire } from './proxy.mjs'
import { until } from './until.mjs'
import { ago, lines, skipReason, whittle } from './whittle.mjs'

/** What the local rules take for grave. */
const OOM = 'Out of memory: Killed process 812 (java) total-vm:1000kB, anon-rss:5kB'

const tile = (page, name) => page.getByRole('region', { name, exact: true })
const chart = (page, name) => page.getByRole('figure', { name, exact: true })
const charted = (page) => page.locator('canvas').first().waitFor()

/** The plot of a chart, in the pixels of the page. */
async function plotBox(page, name) {
  const plot = chart(page, name).locator('.u-over')
  await plot.waitFor()
  return await plot.boundingBox()
}

describe('Overview', { skip: skipReason() }, () => {
  let server
  let chrome
  before(async () => {
    server = await whittle()
    chrome = await browser()
    const shop = ['shop', 'auth', 'cart', 'mail', 'search', 'stock', 'users', 'gate', 'jobs', 'rare']
    await server.store([
      ...shop.flatMap((source, i) => lines(0, 60 - 5 * i, { source, timestamp: ago(8) })),
      ...lines(0, 20, { source: 'kernel', level: 'error', message: OOM, timestamp: ago(6) }),
      ...lines(0, 30, { source: 'auth', level: 'warn', message: 'slow answer', timestamp: ago(20) }),
    ])
  })
  after(async () => {
    await chrome?.close()
    await server?.stop()
  })
  const show = (path = '/', options) => open(chrome, server.page + path, options)

  it('says how much, how much of it failed, what is stored and what is new', async () => {
    const { page, close } = await show()
    const stored = await server.total()
    await tile(page, 'Stored events').getByText(String(stored)).waitFor()
    await tile(page, 'Error rate').getByText(/^\d+\.\d\d%$/).waitFor()
    await tile(page, 'Throughput').getByText(/\/s/).waitFor()
    await tile(page, 'New patterns').getByText(/none new of 3|newest/).waitFor()
    await page.getByRole('list', { name: 'Events by level' }).getByText(/^20 ·/).waitFor()
    await page.getByRole('region', { name: 'Top patterns' }).getByText('Out of memory').waitFor()
    await page.getByText('AI is off.').waitFor()
    await close()
  })

  it('says of which range it has nothing', async () => {
    const { page, close } = await show('/?since=5')
    for (const name of ['Events over time', 'Error rate', 'Throughput by source']) await chart(page, name).getByText('No events in the last 5 minutes').waitFor()
    await page.getByRole('region', { name: 'Top patterns' }).getByText('No patterns in this range').waitFor()
    await page.getByRole('region', { name: 'AI insights' }).getByText('Nothing stands out').waitFor()
    await close()
  })

  it('counts what comes within seconds, without asking again', async () => {
    const { page, close } = await open(chrome, 'about:blank')
    let asked = 0
    await page.route('**/api/stats/histogram?buckets=40', (route) => (asked++ === 0 ? route.continue() : route.abort()))
    await page.goto(server.page)
    const shown = async () => Number(/\d+/.exec(await tile(page, 'Stored events').innerText())?.[0])
    const first = await server.total()
    await until('what is stored', 30_000, async () => (await shown()) === first)
    await until('more than that', 30_000, async () => {
      await server.send(lines(0, 5))
      return (await shown()) > first
    })
    await close()
  })

  it('opens what is dragged over in Explore, from each chart', async () => {
    for (const name of ['Events over time', 'Error rate', 'Throughput by source']) {
      const { page, grid, close } = await show()
      const box = await plotBox(page, name)
      await page.mouse.move(box.x + box.width * 0.1, box.y + box.height / 2)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2, { steps: 4 })
      await page.mouse.up()
      await page.waitForURL(/\/explore\?.*from=\d+&to=\d+/)
      const { searchParams } = new URL(page.url())
      const minutes = (Number(searchParams.get('to')) - Number(searchParams.get('from'))) / 60_000
      assert.ok(minutes > 10 && minutes < 14, `${minutes} minutes of 15`)
      await row(page, 'Out of memory').waitFor()
      await grid.waitFor()
      await page.goBack()
      await chart(page, name).waitFor()
      await close()
    }
  })

  it('opens a stretch by keys alone', async () => {
    const { page, close } = await show()
    await charted(page)
    await chart(page, 'Events over time').getByRole('slider').focus()
    await page.keyboard.press('Home')
    for (let i = 0; i < 5; i++) await page.keyboard.press('Shift+ArrowRight')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/explore\?.*from=\d+&to=\d+/)
    await close()
  })

  it('shares one crosshair among its charts, with the tooltip inside the panel of the one that is pointed at', async () => {
    const { page, close } = await show()
    for (const at of [0.01, 0.5, 0.99]) {
      const box = await plotBox(page, 'Throughput by source')
      await page.mouse.move(box.x + box.width * at, box.y + box.height / 2)
      const tooltip = page.getByTestId('chart-tooltip')
      await tooltip.waitFor()
      assert.equal(await tooltip.count(), 1)
      const said = await tooltip.boundingBox()
      const panel = await chart(page, 'Throughput by source').boundingBox()
      assert.ok(said.x >= panel.x - 17 && said.x + said.width <= panel.x + panel.width + 17, 'it stands out sideways')
      assert.ok(said.y >= panel.y - 17 && said.y + said.height <= panel.y + panel.height + 17, 'it stands out above or below')
      const crosshairs = await page.locator('.u-cursor-x').evaluateAll((all) => all.map((one) => [one.offsetParent !== null, new DOMMatrix(getComputedStyle(one).transform).e / one.parentElement.clientWidth]))
      assert.equal(crosshairs.length, 3)
      for (const [seen, place] of crosshairs) assert.ok(seen && Math.abs(place - at) < 0.02, `a crosshair stands at ${place}, not at ${at}`)
    }
    const rows = await page.getByTestId('chart-tooltip').locator('tr').allTextContents()
    assert.match(rows.at(-1), /^(\+\d+ more · )?total[\d.]/)
    await close()
  })

  it('shows the top seven sources and the rest, lets a click hide one and Alt-click show it alone', async () => {
    const { page, close } = await show()
    const legend = page.getByRole('list', { name: 'Throughput by source: legend' })
    await legend.getByRole('button', { name: /^Other/ }).waitFor()
    const names = async (pressed) => (await legend.getByRole('button', { pressed }).allTextContents()).map((text) => text.replace(/[\d.K<]+$/, ''))
    assert.equal((await names(true)).length, 8)
    await legend.getByRole('button', { name: /^shop/ }).click()
    assert.deepEqual(await names(false), ['shop'])
    await legend.getByRole('button', { name: /^auth/ }).click({ modifiers: ['Alt'] })
    assert.deepEqual(await names(true), ['auth'])
    await legend.getByRole('button', { name: /^auth/ }).click({ modifiers: ['Alt'] })
    assert.equal((await names(true)).length, 8)
    await close()
  })

  it('has each chart as a table of the same height, and says in words what it shows', async () => {
    const { page, close } = await show()
    await charted(page)
    for (const name of ['Events over time', 'Error rate', 'Throughput by source']) {
      const figure = chart(page, name)
      const height = (await figure.boundingBox()).height
      assert.match(await figure.locator('p.sr-only').textContent(), new RegExp(`^${name}, .* Highest .* at `))
      await figure.getByRole('button', { name: `Table of ${name}` }).click()
      await figure.getByRole('table').getByRole('columnheader', { name: 'Time' }).waitFor()
      assert.equal((await figure.boundingBox()).height, height)
    }
    await close()
  })

  it('keeps its range in the URL: reload and share show the same', async () => {
    const { page, close } = await show()
    await page.getByRole('button', { name: /^Time range/ }).click()
    await page.getByRole('button', { name: 'Last hour' }).click()
    await page.waitForURL(/since=60/)
    const slow = (where) => where.getByRole('list', { name: 'Events by level' }).getByText(/^30 ·/).waitFor()
    await slow(page)
    await page.reload()
    await slow(page)
    const shared = await show(`/${new URL(page.url()).search}`)
    await shared.page.getByRole('button', { name: 'Time range: Last hour' }).waitFor()
    await slow(shared.page)
    await shared.close()
    await page.goBack()
    await page.getByRole('button', { name: 'Time range: Last 15 minutes' }).waitFor()
    await close()
    const odd = await show('/?since=soon&x=1')
    await odd.page.getByRole('button', { name: 'Time range: Last 15 minutes' }).waitFor()
    await odd.close()
  })

  it('leads from a level, a pattern and an insight to their lines', async () => {
    const { page, grid, close } = await show()
    await page.getByRole('list', { name: 'Events by level' }).getByRole('link', { name: 'error' }).click()
    await page.waitForURL(/\/explore\?levels=error&since=15/)
    await page.goBack()
    await page.getByRole('region', { name: 'Top patterns' }).getByRole('link', { name: /Out of memory/ }).click()
    await page.waitForURL(/\/patterns\?since=15&sel=[0-9a-f]{16}/)
    await page.getByRole('region', { name: 'Pattern', exact: true }).getByText('Newest lines').waitFor()
    await page.goBack()
    await page.getByRole('region', { name: 'AI insights' }).getByRole('link', { name: /See the evidence for Out of memory/ }).click()
    await page.waitForURL(/\/explore\?pattern=[0-9a-f]{16}&since=15/)
    await row(page, 'Out of memory').waitFor()
    await until('the lines of the pattern alone', 30_000, async () => (await grid.getAttribute('aria-rowcount')) === '21')
    await close()
  })

  it('keeps its places while it loads, and loads each panel on its own', async () => {
    const { page, close } = await open(chrome, 'about:blank')
    let go = () => undefined
    const leave = new Promise((done) => (go = done))
    let asked = 0
    await page.route('**/api/**', async (route) => {
      asked++
      await leave
      await route.continue()
    })
    await page.goto(server.page)
    await page.locator('.skeleton').first().waitFor()
    const places = () => page.locator('main section, main figure').evaluateAll((all) => all.filter((one) => one.closest('figure, section') === one).map((one) => [one.getAttribute('aria-label') ?? one.querySelector('h2')?.textContent, one.getBoundingClientRect().top, one.getBoundingClientRect().height]))
    const named = async () => Object.fromEntries((await places()).filter(([name]) => ['Throughput', 'Error rate', 'Stored events', 'Events over time', 'Throughput by source', 'By level', 'Top patterns'].includes(name)).map(([name, ...place]) => [name, place]))
    const waiting = await named()
    await until('all panels to have asked', 30_000, () => asked >= 6)
    go()
    await page.waitForFunction(() => document.querySelector('.skeleton') === null)
    await charted(page)
    assert.deepEqual(await named(), waiting)
    await close()
  })

  it('says in each panel why it has nothing, keeps what it has, and tries again', async () => {
    const { page, close } = await open(chrome, 'about:blank', { allowed: [/503/] })
    const down = { status: 503, contentType: 'application/json', body: JSON.stringify({ error: 'not_ready', message: 'The history still replays.' }) }
    await page.route('**/api/**', (route) => route.fulfill(down))
    await page.goto(server.page)
    await page.getByText('The history still replays.').first().waitFor()
    const again = page.getByRole('button', { name: 'Try again' })
    await until('each panel to have said so', 60_000, async () => (await again.count()) >= 8)
    await page.unroute('**/api/**')
    await until('all to be there', 60_000, async () => {
      for (const button of await again.all()) await button.click({ timeout: 1000 }).catch(() => undefined)
      return (await again.count()) === 0
    })
    await page.getByRole('region', { name: 'Top patterns' }).getByText('Out of memory').waitFor()
    await close()
  })

  it('says whose words they are: the model’s, or local rules while it does not answer', async () => {
    const { page, close } = await open(chrome, 'about:blank')
    let state = 'ok'
    await page.route('**/api/analysis', async (route) => {
      const response = await route.fetch()
      const answer = await response.json()
      await route.fulfill({ response, json: { ...answer, model: { ...answer.model, configured: true, name: 'some-model', state } } })
    })
    const insights = page.getByRole('region', { name: 'AI insights' })
    await page.goto(server.page)
    await insights.getByText('some-model').waitFor()
    assert.equal(await insights.getByText('AI is off.').count(), 0)
    state = 'failing'
    await page.reload()
    await insights.getByText('The model does not answer.').waitFor()
    await insights.getByRole('link', { name: /See the evidence for Out of memory/ }).waitFor()
    await close()
  })

  it('says where numbers are not whole', async () => {
    const { page, close } = await open(chrome, 'about:blank')
    await page.route(/\/api\/(stats|patterns)/, async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, headers: { ...response.headers(), 'X-Partial': 'the query took too long' } })
    })
    await page.goto(server.page)
    const panels = ['Events over time', 'Error rate', 'Throughput by source'].map((name) => chart(page, name)).concat(['By level', 'Top patterns'].map((name) => page.getByRole('region', { name })))
    for (const panel of panels) await panel.getByText('Not all of it: the query took too long').waitFor()
    await tile(page, 'Stored events').getByText(/^≥ \d+/).waitFor()
    await close()
  })

  it('without any data ever says how to send some, and shows what comes', async () => {
    const fresh = await whittle()
    const { page, close } = await open(chrome, fresh.page)
    await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
    await page.getByText(/curl .*\/ingest/).waitFor()
    await fresh.send(lines(0, 40))
    await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor({ state: 'detached', timeout: 20_000 })
    await page.getByRole('region', { name: 'Top patterns' }).getByText('was packed').waitFor()
    await close()
    await fresh.stop()
  })

  it('says that the stream is away, and catches up when it is back', async () => {
    const cable = await wire(server.ports.dashboard)
    const { page, close } = await open(chrome, cable.url, { allowed: [/ERR_|WebSocket/] })
    const held = await server.total()
    await tile(page, 'Stored events').getByText(String(held)).waitFor()
    cable.cut()
    await page.getByText('Disconnected from the live stream').waitFor()
    await tile(page, 'Stored events').getByText(String(held)).waitFor()
    await server.store(lines(0, 10))
    cable.mend()
    await page.getByRole('button', { name: 'Try now' }).click()
    await tile(page, 'Stored events').getByText(String(held + 10)).waitFor({ timeout: 60_000 })
    await close()
    await cable.close()
  })

  it('takes ten thousand sources, and names that want to do harm', async () => {
    await server.store(Array.from({ length: 10_000 }, (_, i) => ({ source: `service-${i}`, message: `hello from ${i}` })))
    await server.store(lines(0, 300, { source: '<img src=x onerror=alert(1)> \u202Eevil' }))
    const { page, close } = await show()
    const legend = page.getByRole('list', { name: 'Throughput by source: legend' })
    await legend.getByText('<img src=x onerror=alert(1)> ‹U+202E›evil').waitFor()
    assert.ok((await legend.getByRole('button').count()) <= 8)
    const inside = await legend.evaluate((list) => list.scrollWidth <= list.clientWidth && list.getBoundingClientRect().bottom <= list.closest('figure').getBoundingClientRect().bottom)
    assert.ok(inside, 'the legend stands out of its panel')
    assert.equal(await page.locator('img').count(), 0)
    await close()
  })
})
