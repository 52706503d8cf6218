//! The real binary for a test: all roles on ports of the system's choice, with a data directory of its own.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')

/** `WHITTLE_BIN`, or what cargo built last; null where there is none. */
export function binary() {
  const named = process.env.WHITTLE_BIN
  if (named !== undefined) return named
  return ['debug', 'release'].map((profile) => join(target, profile, 'whittle')).find((path) => existsSync(path)) ?? null
}

/** Says why the tests of a file are left out; undefined where they can run. */
export function skipReason() {
  return binary() === null ? 'no binary: build it with `cargo build -p whittle-server`, or name it in WHITTLE_BIN' : undefined
}

const START_MS = 60_000
const STOP_MS = 20_000

/** Starts the binary and waits until it takes and answers. `settings`: what its `whittle.toml` says. */
export async function whittle(settings = '') {
  const data = mkdtempSync(join(tmpdir(), 'whittle-e2e-'))
  writeFileSync(join(data, 'whittle.toml'), settings)
  const ports = join(data, 'ports.json')
  const child = spawn(binary(), ['up'], {
    cwd: data,
    env: { ...process.env, PORT: '0', HTTP_PORT: '0', WS_PORT: '0', DASHBOARD_PORT: '0', METRICS_PORT: '0', WHITTLE_DATA_DIR: data },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk) => (said = (said + chunk).slice(-4000)))
  const told = () => `the binary said:\n${said}`
  try {
    await until('ports.json to be written', START_MS, () => child.exitCode !== null || existsSync(ports), told)
    if (child.exitCode !== null) throw new Error(`the binary ended with ${child.exitCode}; ${told()}`)
    const at = JSON.parse(readFileSync(ports, 'utf8'))
    await until('the history to be ready', START_MS, () => answers(`http://127.0.0.1:${at.storage}/readyz`), told)
    await until('the ingestion to be ready', START_MS, () => answers(`http://127.0.0.1:${at.ingestion}/readyz`), told)
    return new Whittle(child, data, at)
  } catch (error) {
    child.kill('SIGKILL')
    rmSync(data, { recursive: true, force: true })
    throw error
  }
}

async function answers(url) {
  const response = await fetch(url).catch(() => null)
  return response?.ok === true
}

class Whittle {
  constructor(child, data, ports) {
    this.child = child
    this.data = data
    this.ports = ports
    this.page = `http://127.0.0.1:${ports.dashboard}`
  }

  /** Sends records; they are durable when this returns. */
  async send(records) {
    const response = await fetch(`http://127.0.0.1:${this.ports.ingestion}/ingest`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
      body: records.map((record) => JSON.stringify(record)).join('\n'),
    })
    if (response.status !== 202) throw new Error(`ingestion answered ${response.status}: ${await response.text()}`)
  }

  /** How many stored rows match. */
  async total(query = '') {
    const response = await fetch(`http://127.0.0.1:${this.ports.storage}/recent?limit=0&${query}`)
    return Number(response.headers.get('X-Total-Count'))
  }

  /** Sends records and waits until the history has them all. */
  async store(records) {
    const before = await this.total()
    await this.send(records)
    await until(`${records.length} records to be stored`, 60_000, async () => (await this.total()) >= before + records.length)
  }

  async stop() {
    const ended = new Promise((done) => this.child.once('exit', done))
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM')
      const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(late)
    }
    rmSync(this.data, { recursive: true, force: true })
  }
}

/** Numbered lines of one source, all of the same pattern. */
export function lines(from, to, more = {}) {
  return Array.from({ length: to - from }, (_, i) => ({ source: 'shop', level: 'info', message: `order ${from + i} was packed`, context: { status: 200 + (i % 2) * 300, user: { id: `u${i % 7}` } }, ...more }))
}

/** So many minutes ago, as records say it. */
export function ago(minutes) {
  return new Date(Date.now() - minutes * 60_000).toISOString()
}
