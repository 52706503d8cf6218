//! Explore against the real binary: lines live and stored, filters, the URL, the drawer, the export.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { browser, inSight, open, row, rowCount } from './browser.mjs'
import { until } from './until.mjs'
import { lines, skipReason, whittle } from './whittle.mjs'

describe('Explore', { skip: skipReason() }, () => {
  let server
  let chrome
  before(async () => {
    server = await whittle()
    chrome = await browser()
    await server.store([
      ...lines(0, 1500),
      ...lines(0, 40, { source: 'payments', level: 'error', message: 'card provider answered 503 after 1520 ms' }),
      ...lines(0, 30, { source: 'auth', level: 'warn', message: 'two failed sign-ins' }),
    ])
  })
  after(async () => {
    await chrome?.close()
    await server?.stop()
  })
  const show = (path, options) => open(chrome, server.page + path, options)

  it('shows new lines as they come, newest on top', async () => {
    const { page, grid, close } = await show('/explore')
    await row(page, 'two failed sign-ins').waitFor()
    await page.getByText('Following').waitFor()
    await server.send(lines(9000, 9003))
    await row(page, 'order 9002 was packed').waitFor()
    assert.deepEqual((await inSight(grid)).slice(0, 3), ['order 9002 was packed', 'order 9001 was packed', 'order 9000 was packed'])
    await close()
  })

  it('stands still while someone reads, counts what is new, and jumps to it', async () => {
    const { page, grid, close } = await show('/explore')
    await row(page, 'order 9002').waitFor()
    await grid.hover()
    await page.mouse.wheel(0, 400)
    await page.getByText('Paused', { exact: true }).first().waitFor()
    const seen = await inSight(grid)
    await server.send(lines(9100, 9150))
    await page.getByRole('button', { name: '50 new · jump to latest' }).waitFor()
    assert.deepEqual(await inSight(grid), seen, 'rows moved under the pointer')
    await page.getByRole('button', { name: '50 new · jump to latest' }).click()
    // Rows just above what is seen are drawn too, so that it is there does not yet mean that the page has come to it.
    await until('the newest line to be the first in sight', 60_000, async () => (await inSight(grid))[0] === 'order 9149 was packed')
    await close()
  })

  it('freezes when text is selected, when the mouse goes down on a row, and by Space', async () => {
    const { page, close } = await show('/explore')
    const paused = page.getByRole('button', { name: 'Paused: resume' })
    await row(page, 'order 9149').waitFor()
    await page.keyboard.press('Space')
    await paused.waitFor()
    await page.keyboard.press('Space')
    await page.getByText('Following').waitFor()
    await row(page, 'order 9149').hover()
    await page.mouse.down()
    await paused.waitFor()
    await page.mouse.move(0, 0)
    await page.mouse.up()
    await page.keyboard.press('l')
    await page.getByText('Following').waitFor()
    await page.evaluate(() => document.getSelection().selectAllChildren(document.querySelector('[data-index="2"]')))
    await paused.waitFor()
    await close()
  })

  it('pages through the history without sliding, with an exact total', async () => {
    const { page, grid, close } = await show('/explore?live=false&source=shop')
    await row(page, 'order 9149').waitFor()
    const total = await rowCount(grid)
    assert.equal(total, await server.total('source=shop'))
    await page.getByRole('button', { name: 'Older page' }).click()
    await page.getByRole('button', { name: 'Older page' }).click()
    await page.waitForURL(/page=3/)
    await until('the rows of page 3', 30_000, async () => (await inSight(grid))[0]?.startsWith('order'))
    const third = await inSight(grid)
    await server.store(lines(9500, 9900))
    await page.getByRole('button', { name: 'Newer page' }).click()
    await page.getByRole('button', { name: 'Older page' }).click()
    await page.waitForURL(/page=3/)
    assert.deepEqual(await inSight(grid), third, 'pages slid while events arrived')
    assert.equal(await rowCount(grid), total)
    await page.keyboard.press('l')
    await row(page, 'order 9899').waitFor()
    assert.equal(await rowCount(grid), total + 400)
    await close()
  })

  it('reads the next page before it is needed, and no page twice', async () => {
    const { page, grid, close } = await open(chrome, 'about:blank')
    const asked = []
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.pathname === '/api/recent') asked.push(Number(url.searchParams.get('offset')))
    })
    await page.goto(`${server.page}/explore?live=false&source=shop`)
    await row(page, 'order').waitFor()
    await until('the next page to be read ahead', 30_000, () => asked.includes(200))
    const at = async (number) => {
      await page.waitForURL((url) => (url.searchParams.get('page') ?? '1') === String(number))
      await until('its rows', 30_000, async () => (await inSight(grid))[0]?.startsWith('order') === true)
    }
    for (const number of [2, 3]) {
      await page.getByRole('button', { name: 'Older page' }).click()
      await at(number)
    }
    for (const number of [2, 1]) {
      await page.getByRole('button', { name: 'Newer page' }).click()
      await at(number)
    }
    assert.deepEqual(asked.toSorted((a, b) => a - b), [...new Set(asked)].toSorted((a, b) => a - b), 'a page was asked for twice')
    await close()
  })

  it('holds in the URL all that is seen: page, columns, density and the open line', async () => {
    const { page, grid, close } = await show('/explore?live=false&source=shop&cols=time,level,context.status&view=compact&page=3')
    await until('the rows of page 3', 30_000, async () => (await inSight(grid))[0]?.startsWith('order') === true)
    await page.locator('[data-index]').nth(12).click()
    await page.waitForURL(/sel=/)
    const drawer = page.getByRole('complementary', { name: 'Line in full' })
    await drawer.getByRole('region', { name: 'Message' }).waitFor()
    const state = async () => ({
      rows: await inSight(grid),
      heads: await page.getByRole('columnheader').allTextContents(),
      height: (await page.locator('[data-index]').first().boundingBox()).height,
      line: await drawer.getByRole('region', { name: 'Message' }).innerText(),
      url: page.url(),
    })
    const shown = await state()
    assert.deepEqual(shown.heads, ['Time', 'Level', 'status', 'Message'])
    await page.reload()
    await drawer.getByRole('region', { name: 'Message' }).waitFor()
    await until('the same rows', 30_000, async () => (await inSight(grid))[0] === shown.rows[0])
    assert.deepEqual(await state(), shown)
    await close()
  })

  it('lets filters be gone back from, but not each line that was looked at', async () => {
    const { page, close } = await show('/explore?live=false')
    await row(page, 'order').waitFor()
    const length = () => page.evaluate(() => history.length)
    const start = await length()
    for (const index of [1, 2, 3]) await page.locator('[data-index]').nth(index).click()
    await page.waitForURL(/sel=/)
    await page.keyboard.press('Escape')
    assert.equal(await length(), start)
    await page.getByRole('region', { name: 'Filter by level' }).getByRole('button', { name: /^error/ }).click()
    await page.waitForURL(/levels=error/)
    assert.equal(await length(), start + 1)
    await close()
  })

  it('copies, looks for and leaves out a field of a line', async () => {
    const { page, search, close } = await show('/explore?live=false&source=shop', { permissions: ['clipboard-read', 'clipboard-write'] })
    await row(page, 'order').click()
    const fields = page.getByRole('region', { name: 'Fields' })
    await fields.getByText('user.id').hover()
    await fields.getByRole('button', { name: 'Copy user.id' }).click()
    await fields.getByRole('button', { name: 'Copied' }).waitFor()
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^u\d$/)
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Copied' }).first().waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url())
    await fields.getByRole('button', { name: 'Leave out user.id like this' }).click()
    await until('the condition', 30_000, async () => /^-user\.id:u\d$/.test(await search.inputValue()))
    await close()
  })

  it('goes to the last row by End, and back by Home', async () => {
    const { page, grid, close } = await show('/explore?live=false&source=shop')
    await row(page, 'order 9899').waitFor()
    await grid.focus()
    await page.keyboard.press('End')
    await row(page, /^.*order 0 was packed$/).waitFor()
    await page.keyboard.press('Home')
    await row(page, 'order 9899').waitFor()
    await close()
  })

  it('keeps every filter in the URL: reload shows the same', async () => {
    const { page, grid, search, close } = await show('/explore?live=false')
    await page.getByRole('button', { name: /^payments/ }).click()
    await page.waitForURL(/source=payments/)
    await search.fill('provider level:error -absent')
    await search.press('Enter')
    await page.waitForURL(/levels=error/)
    assert.match(decodeURIComponent(page.url()), /q=provider\+-absent/)
    await until('40 rows', 30_000, async () => (await rowCount(grid)) === 40)
    const url = page.url()
    await page.reload()
    await until('the same 40 rows', 30_000, async () => (await grid.count()) === 1 && (await rowCount(grid)) === 40)
    assert.equal(page.url(), url)
    assert.equal(await search.inputValue(), 'provider -absent')
    await page.getByRole('button', { name: 'Remove level: error' }).waitFor()
    await page.goBack()
    await until('the filters before', 30_000, async () => (await search.inputValue()) === '')
    await close()
  })

  it('falls back where the URL makes no sense', async () => {
    const { page, close } = await show('/explore?levels=loud&since=never&from=9&to=1&sel=x&cols=,,&page=-4&view=odd&pattern=no')
    await row(page, 'order 9899').waitFor()
    await page.getByRole('button', { name: 'Time range: All time' }).waitFor()
    await close()
  })

  it('leaves a value out by Alt-click, and a level by its box', async () => {
    const { page, grid, search, close } = await show('/explore?live=false')
    await row(page, 'order 9899').waitFor()
    await page.getByRole('button', { name: /^shop/ }).click({ modifiers: ['Alt'] })
    await until('all but the shop', 30_000, async () => (await rowCount(grid)) === 70)
    assert.equal(await search.inputValue(), '-source:shop')
    await page.getByRole('checkbox', { name: 'Show warn' }).click()
    await until('the errors alone', 30_000, async () => (await rowCount(grid)) === 40)
    assert.match(page.url(), /levels=debug,info,error/)
    await close()
  })

  it('zooms into what is dragged over', async () => {
    const { page, close } = await show('/explore?live=false&since=60')
    const plot = page.locator('.u-over').first()
    await plot.waitFor()
    const box = await plot.boundingBox()
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2, { steps: 5 })
    await page.mouse.up()
    await page.waitForURL(/from=\d+&to=\d+/)
    const { searchParams } = new URL(page.url())
    const minutes = (Number(searchParams.get('to')) - Number(searchParams.get('from'))) / 60_000
    assert.ok(minutes > 15 && minutes < 35, `zoomed to ${minutes} minutes of 60`)
    await close()
  })

  it('opens a line in full, with the lines around it, and finds it again by its link', async () => {
    const { page, close } = await show('/explore?live=false&source=payments')
    await row(page, 'card provider').click()
    const drawer = page.getByRole('complementary', { name: 'Line in full' })
    await drawer.getByText('card provider answered 503 after 1520 ms').first().waitFor()
    await drawer.getByText('user.id').waitFor()
    await drawer.getByRole('region', { name: 'Lines around it' }).getByRole('listitem').first().waitFor()
    await drawer.getByRole('region', { name: 'Pattern' }).getByText('card provider answered').waitFor()
    assert.match(page.url(), /sel=0-\d+@\d+/)
    await page.goto(page.url().replace('source=payments', 'source=auth'))
    await drawer.getByText('card provider answered 503 after 1520 ms').first().waitFor()
    await drawer.getByRole('button', { name: 'Only status like this' }).click()
    await page.waitForURL(/q=status/)
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'detached' })
    await close()
  })

  it('points at what it cannot read in a query', async () => {
    const { page, search, close } = await show('/explore?live=false', { allowed: [/400/] })
    await row(page, 'order').waitFor()
    await search.fill('order (packed')
    await search.press('Enter')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    assert.match(await alert.textContent(), /bracket/)
    assert.equal(await alert.locator('mark').textContent(), '(')
    await close()
  })

  it('exports the whole filter, as it is named', async () => {
    const { page, close } = await show('/explore?live=false&source=payments&q=provider')
    await row(page, 'card provider').waitFor()
    const file = async (name) => {
      await page.getByRole('button', { name: 'Export' }).click()
      await page.getByText('40 lines that match, streamed to a file.').waitFor()
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()])
      return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') }
    }
    const ndjson = await file(/NDJSON/)
    assert.equal(ndjson.name, 'whittle-export.ndjson')
    const records = ndjson.text.trim().split('\n').map((line) => JSON.parse(line))
    assert.equal(records.length, 40)
    assert.ok(records.every(({ source }) => source === 'payments'))
    const csv = await file(/CSV/)
    assert.equal(csv.name, 'whittle-export.csv')
    const cells = csv.text.trim().split('\r\n')
    assert.equal(cells.length, 41)
    assert.match(cells[0], /^timestamp,receivedAt,level,source,message/)
    await close()
  })

  it('completes what is typed, by keys alone', async () => {
    const { page, search, close } = await show('/explore?live=false')
    await row(page, 'order').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('paym')
    await page.getByRole('option', { name: /source:payments/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Tab')
    assert.equal(await search.inputValue(), 'source:payments ')
    await page.keyboard.type('provider')
    assert.equal(await search.inputValue(), 'source:payments provider')
    await page.keyboard.press('Enter')
    await page.waitForURL(/source=payments/)
    assert.equal(await search.inputValue(), 'provider')
    await close()
  })

  it('completes the values of a field from what the history holds', async () => {
    const { page, search, close } = await show('/explore?live=false')
    await row(page, 'order').waitFor()
    await search.fill('status:')
    await page.getByRole('option', { name: /status:500.*lines/ }).waitFor()
    await page.keyboard.type('2')
    await until('one value', 30_000, async () => (await page.getByRole('option').count()) === 1)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    assert.equal(await search.inputValue(), 'status:200 ')
    await close()
  })

  it('says where stored rows and counts are not whole', async () => {
    const { page, close } = await show('/explore?live=false')
    await row(page, 'order').waitFor()
    await page.route('**/api/**', async (route) => {
      const response = await route.fetch()
      const { 'x-total-count': _total, ...headers } = response.headers()
      await route.fulfill({ response, headers: { ...headers, 'X-Partial': 'the query took too long', 'X-Total-At-Least': '70' } })
    })
    await page.goto(`${server.page}/explore?live=false&levels=error,warn`)
    const told = 'Not all of it: the query took too long'
    await page.getByText('At least 70 lines').waitFor()
    await page.getByRole('region', { name: 'Lines', exact: true }).getByText(told).waitFor()
    await page.getByRole('figure', { name: 'Events over time, by level' }).getByText(told).waitFor()
    for (const field of ['level', 'source', 'pattern']) await page.getByRole('region', { name: `Filter by ${field}` }).getByText(told).waitFor()
    await close()
  })

  it('keeps its layout while it loads, and says in each panel what failed', async () => {
    const { page, close } = await open(chrome, 'about:blank', { allowed: [/503/] })
    let go = () => undefined
    const leave = new Promise((done) => (go = done))
    let down = true
    await page.route('**/api/**', async (route) => {
      await leave
      if (down) await route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ error: 'not_ready', message: 'The history still replays.' }) })
      else await route.continue()
    })
    await page.goto(`${server.page}/explore?live=false`)
    await page.locator('.skeleton').first().waitFor()
    const places = () => page.locator('section[aria-label="Lines"], figure').evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())))
    const waiting = await places()
    go()
    await page.getByText('The history could not be read').waitFor()
    for (const field of ['level', 'source', 'pattern']) await page.getByRole('region', { name: `Filter by ${field}` }).getByText(/Not counted: The history still replays/).waitFor()
    down = false
    await until('the rows to be back', 60_000, async () => {
      for (const button of await page.getByRole('button', { name: 'Try again' }).all()) await button.click({ timeout: 1000 }).catch(() => undefined)
      return (await row(page, 'order').count()) > 0
    })
    assert.deepEqual(await places(), waiting)
    await close()
  })

  it('shows the columns that are chosen, and saves the view under a name', async () => {
    const { page, close } = await show('/explore?live=false&source=payments')
    await row(page, 'card provider').waitFor()
    await page.getByRole('button', { name: 'Columns and rows' }).click()
    await page.getByRole('checkbox', { name: 'status' }).click()
    await page.getByRole('checkbox', { name: 'Dense' }).click()
    await page.keyboard.press('Escape')
    await page.getByRole('columnheader', { name: 'status' }).waitFor()
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByRole('textbox', { name: 'Name of this view' }).fill('paying')
    await page.keyboard.press('Enter')
    await page.goto(`${server.page}/explore`)
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByRole('button', { name: 'paying', exact: true }).click()
    await page.waitForURL(/source=payments.*cols=time,level,source,context\.status&view=compact/)
    await close()
  })
})
