//! Opening each page: when its content stands, what moves, what blocks, who is shut out, what a phone can't hold.
import { layoutShift, violations, wide } from '../../e2e/look.mjs'
import { open, row } from '../../e2e/browser.mjs'
import { mainThread } from './cost.mjs'
import { heading, note } from './report.mjs'

const PAGES = [
  ['Overview', '/', (page) => page.getByRole('region', { name: 'Top patterns' }).getByRole('listitem').first().waitFor()],
  ['Explore', '/explore?live=false', (page) => row(page, 'order').waitFor()],
  ['Patterns', '/patterns', (page) => page.locator('[data-pattern]').first().waitFor()],
]

const drawn = (page) => page.waitForFunction(() => document.querySelector('.skeleton') === null)

/** When the largest thing was painted, in s; as Lighthouse takes it. */
const largestPaint = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime / 1000)).observe({ type: 'largest-contentful-paint', buffered: true })
      }),
  )

async function opened(chrome, server, [name, path, ready]) {
  const { page, close } = await open(chrome, 'about:blank')
  const session = await page.context().newCDPSession(page)
  const { blocking, cpu } = await mainThread(session, async () => {
    await page.goto(server.page + path)
    await ready(page)
    await drawn(page)
  })
  note(`${name}: largest paint`, await largestPaint(page), 's', 2.5)
  note(`${name}: layout shift`, await layoutShift(page), '', 0.02)
  note(`${name}: main thread blocked beyond 50 ms a task, CPU`, blocking, 'ms', 200)
  note(`${name}: main thread until all is drawn, CPU`, cpu, 'ms', 1000)
  await close()
}

async function forAll(chrome, server, [name, path, ready]) {
  for (const theme of ['dark', 'light']) {
    const { page, close } = await open(chrome, server.page + path, { theme, bypassCSP: true })
    await ready(page)
    await drawn(page)
    note(`${name}, ${theme}: axe violations`, (await violations(page)).length, '', 0)
    await close()
  }
  const { page, close } = await open(chrome, server.page + path, { width: 390, height: 844 })
  await ready(page)
  await drawn(page)
  const { scroll, elements } = await wide(page)
  note(`${name}, 390 px: sideways scroll`, scroll - 390, 'px', 0)
  note(`${name}, 390 px: panels that overflow`, elements.length, '', 0)
  await close()
}

export async function load(chrome, server) {
  heading('Opening a page')
  for (const page of PAGES) await opened(chrome, server, page)
  heading('For all')
  for (const page of PAGES) await forAll(chrome, server, page)
}
