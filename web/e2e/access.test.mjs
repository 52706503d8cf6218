//! For everyone: no violation that axe finds, on each page, in each theme and state; everything by keys alone; no sideways scroll on a phone.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browser, inSight, open, row } from './browser.mjs'
import { layoutShift, violations, wide } from './look.mjs'
import { wire } from './proxy.mjs'
import { until } from './until.mjs'
import { lines, skipReason, whittle } from './whittle.mjs'

const drawn = (page) => page.waitForFunction(() => document.querySelector('.skeleton') === null)

/** Opens the page anew, with a server that can't answer. */
async function failing(page) {
  await page.route('**/api/**', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ error: 'not_ready', message: 'The history still replays.' }) }))
  await page.reload()
}

/** Not there on a phone. */
const WIDE = 'wide'

/** What is looked at: a path, and what is done there first. */
const VIEWS = [
  ['overview', '/', async (page) => await page.getByText('Stored events').waitFor()],
  ['patterns', '/patterns', async (page) => await page.getByText('was packed').first().waitFor()],
  ['live', '/explore', async (page) => await row(page, 'order').waitFor()],
  ['paused', '/explore', async (page) => await row(page, 'order').hover().then(() => page.mouse.wheel(0, 200)).then(() => page.getByRole('button', { name: 'Paused: resume' }).waitFor())],
  ['history', '/explore?live=false&cols=time,received,level,source,pattern,context.status', async (page) => await row(page, 'order').waitFor()],
  ['open line', '/explore?live=false&levels=error', async (page) => await row(page, 'card provider').click().then(() => page.getByRole('region', { name: 'Lines around it' }).getByRole('listitem').first().waitFor())],
  ['no match', '/explore?live=false&q=nowhere', async (page) => await page.getByText('No line matches').waitFor()],
  ['waiting', '/explore?q=nowhere', async (page) => await page.getByText('Waiting for matching lines').waitFor()],
  ['query refused', '/explore?live=false&q=(', async (page) => await page.getByRole('alert').waitFor()],
  ['completion', '/explore?live=false', async (page) => await page.getByRole('combobox').fill('le').then(() => page.keyboard.press('ArrowDown')).then(() => page.getByRole('option').first().waitFor())],
  ['columns', '/explore?live=false', async (page) => await row(page, 'order').waitFor().then(() => page.getByRole('button', { name: 'Columns and rows' }).click()).then(() => page.getByRole('checkbox', { name: 'Dense' }).waitFor())],
  ['time', '/explore?live=false', async (page) => await page.getByRole('button', { name: /^Time range/ }).click().then(() => page.getByLabel('From').waitFor())],
  ['palette', '/explore?live=false', async (page) => await row(page, 'order').waitFor().then(() => page.keyboard.press('Control+k')).then(() => page.getByRole('option').first().waitFor())],
  ['keys', '/explore?live=false', async (page) => await row(page, 'order').waitFor().then(() => page.keyboard.press('?')).then(() => page.getByRole('heading', { name: 'Keys' }).waitFor())],
  ['views', '/explore?live=false', async (page) => await row(page, 'order').waitFor().then(() => page.getByRole('button', { name: 'Saved views' }).click()).then(() => page.getByLabel('Name of this view').waitFor()), WIDE],
  ['long lines', '/explore?live=false&view=wrap', async (page) => await row(page, /answer|checked/).waitFor()],
  ['pattern in full', '/patterns', async (page) => await page.locator('[data-pattern]').first().click().then(() => page.getByText('Newest lines').waitFor())],
  ['no template', '/patterns?find=nowhere', async (page) => await page.getByText('No template contains this').waitFor()],
  ['chart as table', '/', async (page) => await page.getByRole('button', { name: 'Table of Error rate' }).click().then(() => page.getByRole('columnheader', { name: 'Time' }).waitFor())],
  ['overview failing', '/', async (page) => await failing(page).then(() => page.getByRole('button', { name: 'Try again' }).nth(7).waitFor())],
  ['explore failing', '/explore?live=false', async (page) => await failing(page).then(() => page.getByText('The history could not be read').waitFor())],
  ['patterns failing', '/patterns', async (page) => await failing(page).then(() => page.getByText('The history still replays.').waitFor())],
  ['unknown page', '/nowhere', async (page) => await page.getByText('There is no such page').waitFor()],
]

describe('Access', { skip: skipReason() }, () => {
  let server
  let chrome
  before(async () => {
    server = await whittle()
    chrome = await browser()
    await server.store([...lines(0, 300), ...lines(0, 5, { source: 'payments', level: 'error', message: 'card provider answered 503' }), ...lines(0, 5, { source: 'auth', level: 'debug', message: 'token checked' }), ...lines(0, 5, { source: 'auth', level: 'warn', message: 'slow answer' })])
  })
  after(async () => {
    await chrome?.close()
    await server?.stop()
  })

  for (const theme of ['dark', 'light']) {
    for (const [name, path, arrive] of VIEWS) {
      it(`axe finds nothing: ${name}, ${theme}`, async () => {
        // The policy forbids what a test injects; the page itself is tested under it everywhere else.
        const { page, close } = await open(chrome, server.page + path, { theme, bypassCSP: true, allowed: [/400|503/] })
        await arrive(page)
        await drawn(page)
        assert.deepEqual(await violations(page), [])
        await close()
      })
    }
  }

  for (const theme of ['dark', 'light']) {
    it(`axe finds nothing before the first line and without the stream, ${theme}`, async () => {
      const fresh = await whittle()
      const cable = await wire(fresh.ports.dashboard)
      const { page, close } = await open(chrome, cable.url, { theme, bypassCSP: true, allowed: [/ERR_|WebSocket/] })
      for (const path of ['/', '/explore', '/patterns']) {
        await page.goto(cable.url + path)
        await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
        assert.deepEqual(await violations(page), [], path)
      }
      cable.cut()
      await page.getByText('Disconnected from the live stream').waitFor()
      assert.deepEqual(await violations(page), [])
      await close()
      await cable.close()
      await fresh.stop()
    })
  }

  for (const [name, path, arrive] of VIEWS.filter(([, , , where]) => where !== WIDE)) {
    it(`nothing is wider than a phone: ${name}`, async () => {
      const { page, close } = await open(chrome, server.page + path, { width: 390, height: 844, allowed: [/400|503/] })
      await arrive(page)
      await drawn(page)
      assert.deepEqual(await wide(page), { scroll: 390, elements: [] })
      await close()
    })
  }

  it('everything can be done by keys alone', async () => {
    const { page, grid, close } = await open(chrome, `${server.page}/`)
    await page.getByText('Stored events').waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content')
    await page.keyboard.press('g')
    await page.keyboard.press('e')
    await row(page, 'order 299').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('order')
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=order/)
    await page.keyboard.press('Escape')
    await until('the orders to be at the top', 60_000, async () => (await inSight(grid))[0] === 'order 299 was packed')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    const drawer = page.getByRole('complementary', { name: 'Line in full' })
    await drawer.getByText(/order \d+ was packed/).filter({ visible: true }).first().waitFor()
    const first = page.url()
    await page.keyboard.press('j')
    await page.waitForURL((url) => url.href !== first && url.searchParams.has('sel'))
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'detached' })
    await page.keyboard.press('l')
    await page.getByText('Following').waitFor()
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Paused: resume' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Commands' }).getByRole('option').first().waitFor()
    await page.keyboard.type('patterns')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Patterns', level: 1 }).waitFor()
    const theme = await page.evaluate(() => document.documentElement.dataset.theme)
    await page.keyboard.press('t')
    assert.notEqual(await page.evaluate(() => document.documentElement.dataset.theme), theme)
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Keys' }).waitFor({ state: 'detached' })
    await close()
  })

  it('the theme is there before the first paint, and is remembered', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore`, { theme: 'light' })
    await row(page, 'order').waitFor()
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light')
    await page.keyboard.press('t')
    await page.reload({ waitUntil: 'commit' })
    await page.waitForFunction(() => document.body !== null)
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
    await close()
  })

  it('every entry of the rail leads to a page', async () => {
    const { page, close } = await open(chrome, server.page)
    const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
    const names = await links.allTextContents()
    assert.deepEqual(names, ['Overview', 'Explore', 'Patterns'])
    for (const name of names) {
      await links.filter({ hasText: name }).click()
      await page.getByRole('heading', { name, level: 1 }).waitFor({ state: 'attached' })
    }
    await close()
  })

  it('moves nothing for those who asked for that', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore`)
    await row(page, 'order').waitFor()
    const moving = await page.evaluate(() => {
      const seconds = (text) => Math.max(...text.split(',').map((one) => Number.parseFloat(one) * (one.includes('ms') ? 0.001 : 1)))
      return [...document.querySelectorAll('*')].filter((element) => {
        const { transitionDuration, animationDuration, animationName } = getComputedStyle(element)
        return seconds(transitionDuration) > 0.001 || (animationName !== 'none' && seconds(animationDuration) > 0.001)
      }).length
    })
    assert.equal(moving, 0)
    await close()
  })

  it('has the other theme within reach on a phone', async () => {
    const { page, close } = await open(chrome, server.page, { width: 390, height: 844 })
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('button', { name: 'Light' }).click()
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light')
    await close()
  })

  it('the grid says what it is: roles, counts, places', async () => {
    const { page, grid, close } = await open(chrome, `${server.page}/explore?live=false`)
    await row(page, 'order').waitFor()
    assert.equal(await grid.getAttribute('aria-rowcount'), String((await server.total()) + 1))
    await grid.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    const active = await grid.getAttribute('aria-activedescendant')
    assert.equal(await page.locator(`#${active}`).getAttribute('aria-rowindex'), '3')
    await close()
  })

  it('moves nothing while it loads', async () => {
    const { page, close } = await open(chrome, 'about:blank')
    for (const path of ['/', '/explore?live=false', '/patterns']) {
      await page.goto(server.page + path)
      await drawn(page)
      const shift = await layoutShift(page)
      assert.ok(shift <= 0.02, `${path} shifted by ${shift}`)
    }
    await close()
  })
})
