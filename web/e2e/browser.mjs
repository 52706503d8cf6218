//! The real browser for a test, with an eye on what it complains about.
import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
/** A loaded machine is slow; a page that needs longer than this is broken. */
const WAIT_MS = 60_000

export async function browser() {
  return await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** A page of its own, wide and dark unless said otherwise. `allowed`: complaints that the test provokes. */
export async function open(chrome, url, { width = 1440, height = 900, theme = 'dark', allowed = [], ...context } = {}) {
  const held = await chrome.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce', ...context })
  const page = await held.newPage()
  page.setDefaultTimeout(WAIT_MS)
  const complaints = []
  const complain = (text) => {
    if (!allowed.some((pattern) => pattern.test(text))) complaints.push(text)
  }
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complain(`thrown: ${error.message}`))
  page.on('dialog', (dialog) => {
    complain(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(url)
  return {
    page,
    grid: page.getByRole('grid'),
    search: page.getByRole('combobox', { name: 'Search lines' }),
    /** Closes the page; fails where the browser complained. */
    close: async () => {
      await held.close()
      assert.deepEqual(complaints, [], 'the browser complained')
    },
  }
}

/** Number of rows that the grid says it has. */
export async function rowCount(grid) {
  return Number(await grid.getAttribute('aria-rowcount')) - 1
}

/** Texts of the messages in sight, from the top, without what is rendered beyond the edges. */
export async function inSight(grid) {
  return await grid.evaluate((element) => {
    const box = element.getBoundingClientRect()
    const header = element.querySelector('[role="columnheader"]').closest('[role="row"]').getBoundingClientRect()
    return [...element.querySelectorAll('[data-index]')]
      .filter((line) => line.getBoundingClientRect().top >= header.bottom - 1 && line.getBoundingClientRect().bottom <= box.bottom + 1)
      .toSorted((a, b) => a.dataset.index - b.dataset.index)
      .map((line) => line.lastElementChild.textContent)
  })
}

export function row(page, text) {
  return page.locator('[data-index]', { hasText: text }).first()
}
