//! Log lines written to do harm are text, and what can't be seen in them is shown.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { browser, open, row } from './browser.mjs'
import { skipReason, whittle } from './whittle.mjs'

const SCRIPT = '<script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) http://example.com/click'
const LONG = 'x'.repeat(100_000)

describe('Hostile text', { skip: skipReason() }, () => {
  let server
  let chrome
  before(async () => {
    server = await whittle()
    chrome = await browser()
    await server.store([
      { source: 'evil<b>', level: 'error', message: SCRIPT, context: { '<i>key</i>': '<u>value</u>', __proto__: { x: 1 } } },
      { source: 'bidi', message: 'invoice \u202Efdp.exe\u202C sent' },
      { source: 'control', message: 'bell \u0007 escape \u001B[31mred\u001B[0m null \u0000 end' },
      { source: 'long', message: LONG },
      { source: 'lines', message: 'first\nsecond\n\tthird' },
    ])
  })
  after(async () => {
    await chrome?.close()
    await server?.stop()
  })

  for (const path of ['/explore', '/explore?live=false', '/explore?live=false&view=wrap', '/', '/patterns']) {
    it(`is text on ${path}`, async () => {
      const { page, close } = await open(chrome, server.page + path)
      await page.getByText('<script>alert(').first().waitFor()
      const found = await page.evaluate(() => ({
        scripts: [...document.querySelectorAll('script')].filter((script) => script.textContent !== '').length,
        images: document.querySelectorAll('img, b:not([class]), u, i').length,
        links: [...document.querySelectorAll('a')].filter((link) => link.origin !== location.origin).length,
        hidden: [...document.body.innerText].filter((char) => /\p{Cc}|\p{Cf}/u.test(char) && char !== '\n' && char !== '\t').length,
      }))
      assert.deepEqual(found, { scripts: 0, images: 0, links: 0, hidden: 0 })
      await close()
    })
  }

  it('shows what cannot be seen', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore?live=false`)
    await row(page, 'invoice ‹U+202E›fdp.exe‹U+202C› sent').waitFor()
    await row(page, 'bell ‹BEL› escape ‹ESC›[31mred‹ESC›[0m null ‹NUL› end').waitFor()
    await row(page, 'first↵second↵⇥third').waitFor()
    await close()
  })

  it('opens in full as text too', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore?live=false&levels=error`)
    await row(page, '<script>').click()
    const drawer = page.getByRole('complementary', { name: 'Line in full' })
    await drawer.getByText(SCRIPT).first().waitFor()
    await drawer.getByText('<i>key</i>').waitFor()
    await drawer.getByText('<u>value</u>').waitFor()
    await close()
  })

  it('a line of 100,000 characters is cut in the table and whole in the drawer', async () => {
    const { page, close } = await open(chrome, `${server.page}/explore?live=false&source=long`)
    const line = row(page, 'xxxx')
    assert.ok((await line.textContent()).length < 1000)
    await line.click()
    const message = page.getByRole('region', { name: 'Message' })
    await message.getByRole('button', { name: 'Show all 100,000 characters' }).click()
    assert.ok((await message.textContent()).includes(LONG))
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page scrolls sideways')
    await close()
  })

  it('ten thousand sources leave the page as it is', async () => {
    await server.store(Array.from({ length: 10_000 }, (_, i) => ({ source: `service-${i}`, message: `hello from ${i}` })))
    const { page, close } = await open(chrome, `${server.page}/explore?live=false`)
    await row(page, 'hello from 9999').waitFor()
    await page.getByRole('region', { name: 'Filter by source' }).getByRole('button', { name: /^More/ }).click()
    await page.getByRole('region', { name: 'Filter by source' }).getByRole('button', { name: 'Fewer' }).waitFor()
    assert.ok((await page.getByRole('region', { name: 'Filter by source' }).getByRole('listitem').count()) <= 201)
    await close()
  })
})
