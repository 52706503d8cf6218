//! A wire between browser and binary that a test can cut.
import { createConnection, createServer } from 'node:net'

export async function wire(port) {
  const ends = new Set()
  const pairs = new Set()
  let cut = false
  const server = createServer((near) => {
    if (cut) return near.destroy()
    const far = createConnection(port, '127.0.0.1')
    const pair = [near, far]
    pairs.add(pair)
    near.on('close', () => pairs.delete(pair))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      ends.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        ends.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut: () => {
      cut = true
      for (const end of ends) end.destroy()
    },
    mend: () => {
      cut = false
    },
    /** Lets nothing through to the browser, as a page that doesn't keep up. */
    hold: () => {
      for (const [near, far] of pairs) far.unpipe(near).pause()
    },
    release: () => {
      for (const [near, far] of pairs) far.pipe(near)
    },
    close: () => {
      cut = true
      for (const end of ends) end.destroy()
      return new Promise((done) => server.close(done))
    },
  }
}
