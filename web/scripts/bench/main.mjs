//! Measures what the page may cost, in a real browser on the real binary, and prints it beside the goals. Names of parts as arguments
//! (`weight chart list load live many viewers`) run those alone.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { browser } from '../../e2e/browser.mjs'
import { binary, skipReason, whittle } from '../../e2e/whittle.mjs'
import { chart } from './chart.mjs'
import { fill, list, tenMillion } from './history.mjs'
import { live } from './live.mjs'
import { load } from './load.mjs'
import { allFit, begin, heading } from './report.mjs'
import { viewers } from './viewers.mjs'

/** What is loaded, as `npm run check:size` has it. */
function weight() {
  heading('Weight')
  const script = fileURLToPath(new URL('../check-size.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' })
  if (status !== 0) throw new Error('it weighs too much')
}

/** Those that need a server share one, in this order: what the first store is read by the next. */
const ON_SERVER = {
  list,
  load,
  live,
  many: async (chrome, server) => {
    await fill(server)
    await tenMillion(chrome, server)
  },
}

async function onServer(chrome, parts) {
  const server = await whittle()
  try {
    for (const part of parts) await ON_SERVER[part](chrome, server)
  } finally {
    await server.stop()
  }
}

const missing = skipReason()
if (missing !== undefined) {
  console.error(missing)
  process.exit(1)
}
begin(binary())
const asked = process.argv.slice(2)
const wanted = (part) => asked.length === 0 || asked.includes(part)
if (wanted('weight')) weight()
const chrome = await browser()
try {
  if (wanted('chart')) await chart(chrome)
  const parts = Object.keys(ON_SERVER).filter(wanted)
  if (parts.length > 0) await onServer(chrome, parts)
} finally {
  await chrome.close()
}
if (wanted('viewers')) viewers()
process.exitCode = allFit() ? 0 : 1
