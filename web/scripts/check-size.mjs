//! Fails when a page's first load weighs more than it may. Reads what `npm run build` left in `dist`.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const assets = join(dist, 'assets')
const files = readdirSync(assets)
const html = readFileSync(join(dist, 'index.html'), 'utf8')

/** kB: gzipped for scripts and styles, as they are for fonts (woff2 is compressed already). */
const LIMITS = { overview: 150, explore: 175, patterns: 150, lazy: 60, css: 12, fonts: 50 }

const gzipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length
const text = (name) => readFileSync(join(assets, name), 'utf8')
const staticImports = (name) => [...text(name).matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+\.js)["']/g)].map(([, found]) => found)

/** A chunk and all that it cannot run without. */
function closure(names) {
  const seen = new Set()
  const open = [...names]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    open.push(...staticImports(name))
  }
  return seen
}

const chunk = (stem) => {
  const found = files.filter((name) => name.startsWith(`${stem}-`) && name.endsWith('.js'))
  if (found.length !== 1) throw new Error(`expected one chunk named ${stem}-*.js in dist/assets, found ${found.length}: is the build there and whole?`)
  return found[0]
}
const linked = [...html.matchAll(/(?:src|href)="\/assets\/([\w.-]+\.js)"/g)].map(([, name]) => name)
const weight = (names) => [...names].reduce((sum, name) => sum + gzipped(join(assets, name)), 0)

const entry = closure(linked)
const worker = chunk('worker')
// Charts come a moment after the page, but they always come: they count.
const plot = closure([chunk('plot')])
const theme = gzipped(join(dist, 'theme.js'))
const rows = []
for (const page of ['overview', 'explore', 'patterns']) {
  rows.push([`first load of ${page}`, weight(new Set([...closure([chunk(page)]), ...entry, ...plot, worker])) + theme, LIMITS[page]])
}
const loaded = new Set(['overview', 'explore', 'patterns'].flatMap((page) => [...closure([chunk(page)])]).concat([...entry], [...plot], worker))
for (const name of files.filter((one) => one.endsWith('.js') && !loaded.has(one))) rows.push([`lazy ${name}`, weight([name]), LIMITS.lazy])
rows.push(['css', files.filter((name) => name.endsWith('.css')).reduce((sum, name) => sum + gzipped(join(assets, name)), 0), LIMITS.css])
rows.push(['fonts', files.filter((name) => name.endsWith('.woff2')).reduce((sum, name) => sum + readFileSync(join(assets, name)).length, 0), LIMITS.fonts])

let over = 0
for (const [what, bytes, limit] of rows) {
  const kB = bytes / 1000
  const fits = kB <= limit
  if (!fits) over++
  console.log(`${fits ? 'ok  ' : 'OVER'} ${kB.toFixed(1).padStart(6)} kB of ${String(limit).padStart(3)}  ${what}`)
}
if (over > 0) {
  console.error(`${over} of ${rows.length} weigh too much: see what was added to them, and load lazily what the first view does not need.`)
  process.exit(1)
}
