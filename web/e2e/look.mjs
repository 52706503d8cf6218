//! What can be seen of a page as a whole: who is shut out of it, what moved, what is wider than it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds, by rule. The page must be open with `bypassCSP`: its policy forbids what a test injects. */
export async function violations(page) {
  await page.evaluate(axe)
  const found = await page.evaluate(() => globalThis.axe.run())
  return found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))])
}

/** Sum of the layout shifts so far that nobody asked for. */
export function layoutShift(page) {
  return page.evaluate(
    () =>
      new Promise((done) => {
        let sum = 0
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value
        }).observe({ type: 'layout-shift', buffered: true })
        requestAnimationFrame(() => setTimeout(() => done(sum), 0))
      }),
  )
}

/** How wide the page scrolls, and what stands out of it. */
export function wide(page) {
  return page.evaluate(() => {
    // What a box cuts off or scrolls within itself is no trouble; the box is.
    const held = (element) => {
      for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) if (getComputedStyle(up).overflowX !== 'visible') return true
      return false
    }
    const over = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && element.checkVisibility({ visibilityProperty: true }))
    return { scroll: document.documentElement.scrollWidth, elements: over.filter((element) => !held(element)).map((element) => element.outerHTML.slice(0, 120)) }
  })
}
