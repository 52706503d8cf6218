//! The built files as the binary serves them: packed, kept as long as they may be, under a policy that lets nothing else run.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { browser, open } from './browser.mjs'
import { skipReason, whittle } from './whittle.mjs'

describe('Files', { skip: skipReason() }, () => {
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

  /** Status, headers and number of bytes, as they came. */
  const get = (path, headers = {}) =>
    new Promise((done, fail) => {
      request(`${server.page}${path}`, { headers }, (response) => {
        let bytes = 0
        response.on('data', (chunk) => (bytes += chunk.length))
        response.on('end', () => done({ status: response.statusCode, headers: response.headers, bytes }))
      })
        .on('error', fail)
        .end()
    })
  const html = { Accept: 'text/html' }
  const script = async () => /src="(\/assets\/[\w.-]+\.js)"/.exec(await (await fetch(server.page)).text())[1]

  it('come packed to who takes it, and are kept for good where their name says what is in them', async () => {
    const path = await script()
    const plain = await get(path)
    assert.match(plain.headers['cache-control'], /immutable/)
    assert.match(plain.headers.vary, /accept-encoding/)
    for (const encoding of ['br', 'gzip']) {
      const packed = await get(path, { 'Accept-Encoding': encoding })
      assert.equal(packed.headers['content-encoding'], encoding)
      assert.ok(packed.bytes < plain.bytes / 2, `${packed.bytes} of ${plain.bytes} bytes`)
    }
    const again = await get(path, { 'If-None-Match': plain.headers.etag })
    assert.deepEqual([again.status, again.bytes], [304, 0])
    assert.equal((await get('/', html)).headers['cache-control'], 'no-cache')
  })

  it('that are missing are missing, and only a way to a page leads to the page', async () => {
    assert.equal((await get('/assets/index-0000.js', html)).status, 404)
    assert.equal((await get('/explore', html)).status, 200)
    assert.equal((await get('/explore', { Accept: 'application/json' })).status, 404)
  })

  it('allow no script, style or frame but their own', async () => {
    const { page, close } = await open(chrome, server.page, { allowed: [/Content Security Policy|violates/] })
    const policy = (await get('/', html)).headers['content-security-policy']
    assert.ok(!policy.includes('unsafe'), policy)
    const ran = await page.evaluate(() => {
      const inline = document.createElement('script')
      inline.textContent = 'globalThis.ran = true'
      document.head.append(inline)
      return globalThis.ran === true
    })
    assert.equal(ran, false)
    await close()
  })
})
