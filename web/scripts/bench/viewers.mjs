//! A thousand viewers of the gateway, from the example that measures it; built by `make bench-web`.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { binary } from '../../e2e/whittle.mjs'
import { heading, note } from './report.mjs'

const VIEWERS = 1000
const RATE = 1000
const SECONDS = 10

/** What the example prints of one run. */
function run(example, stalled) {
  const { stdout, stderr } = spawnSync(example, [String(VIEWERS), String(RATE), String(SECONDS), String(stalled)], { encoding: 'utf8', timeout: 180_000 })
  const found = /= ([\d.]+) cores; .* (\d+) dropped[^\n]*\n\s*probe: (\d+) events/.exec(stdout)
  if (!found) throw new Error(`the example said: ${stdout}${stderr}`)
  const [cores, dropped, read] = found.slice(1).map(Number)
  return { cores, dropped, missed: RATE * SECONDS - read }
}

export function viewers() {
  heading(`${VIEWERS} viewers at ${RATE} events a second`)
  const example = join(dirname(binary()), 'examples', 'gateway_fanout')
  if (!existsSync(example)) throw new Error(`${example} is not there: cargo build --release -p whittle-server --example gateway_fanout`)
  const all = run(example, 0)
  note('cores that the gateway uses', all.cores, '', 1)
  const one = run(example, 1)
  note('the same with one that stops reading', one.cores, '', 1)
  note('events that the gateway drops then', one.dropped, '', 0)
  note('events that another viewer, who reads them all, lacks', one.missed, '', 0)
}
