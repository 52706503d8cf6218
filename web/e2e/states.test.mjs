//! What a page says when there is nothing, nothing yet, or nobody to ask.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browser, inSight, open, row } from './browser.mjs'
import { wire } from './proxy.mjs'
import { until } from './until.mjs'
import { lines, skipReason, whittle } from './whittle.mjs'

describe('States', { skip: skipReason() }, () => {
  let server
  let chrome
  before(async () => {
    server = await whittle()
    chrome = await browser()
  })
  after(async () => {
    await chrome?.close()
    await server?.stop()
  })

  it('without any data ever, Explore says how to send some, and shows the first line', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore`)
    await page.getByText(/curl .*\/ingest/).waitFor()
    await server.send(lines(0, 1))
    await row(page, 'order 0 was packed').waitFor()
    await close()
  })

  it('without a match says so, and widens', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore?live=false&since=5&q=nowhere`)
    await page.getByText('No line matches').waitFor()
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await row(page, 'order 0 was packed').waitFor()
    await close()
  })

  it('live and waiting says that the stream is there', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore?q=nowhere`)
    await page.getByText('Waiting for matching lines').waitFor()
    await server.send([{ source: 'shop', message: 'from nowhere' }])
    await row(page, 'from nowhere').waitFor()
    await close()
  })

  it('after a lost connection fills the gap, once each, and marks it', async () => {
    const cable = await wire(server.ports.dashboard)
    const { page, grid, close } = await open(chrome, `${cable.url}/explore`, { height: 1200, allowed: [/ERR_|WebSocket/] })
    await row(page, 'order 0').waitFor()
    await page.getByText('Following').waitFor()
    await server.send(lines(100, 103))
    await row(page, 'order 102').waitFor()
    cable.cut()
    await page.getByText('Disconnected from the live stream').waitFor()
    await page.getByText(/trying again in \d+ s/).waitFor()
    await server.send(lines(200, 220))
    assert.equal((await inSight(grid))[0], 'order 102 was packed', 'what is shown stays')
    cable.mend()
    await page.getByRole('button', { name: 'Try now' }).click()
    await row(page, 'order 219').waitFor()
    await page.getByText('Disconnected from the live stream').waitFor({ state: 'detached' })
    const seen = await inSight(grid)
    const expected = lines(200, 220).map(({ message }) => message).toReversed()
    assert.deepEqual(seen.slice(0, 20), expected)
    assert.match(seen[20], /^Connection (was )?lost/)
    assert.equal(seen[21], 'order 102 was packed')
    await close()
    await cable.close()
  })

  it('without an answer of the server says so in each panel, and tries again', async () => {
    const cable = await wire(server.ports.dashboard)
    const { page, close } = await open(chrome, `${cable.url}/patterns`, { allowed: [/ERR_|WebSocket/] })
    await page.getByRole('heading', { name: 'Patterns', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Explore', exact: true }).hover()
    await page.waitForLoadState('networkidle')
    cable.cut()
    await page.getByRole('link', { name: 'Explore', exact: true }).click()
    await page.getByText('The server can’t be reached. Is Whittle still running?').first().waitFor()
    cable.mend()
    await until('the rows to be back', 60_000, async () => {
      for (const button of await page.getByRole('button', { name: 'Try again' }).all()) await button.click({ timeout: 1000 }).catch(() => undefined)
      return (await row(page, 'order 219').count()) > 0
    })
    await close()
    await cable.close()
  })

  it('an unknown page says so', async () => {
    const { page, close } = await open(chrome, `${server.page}/nowhere`)
    await page.getByText('There is no such page').waitFor()
    await page.getByRole('link', { name: 'Go to the overview' }).click()
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await close()
  })
})
