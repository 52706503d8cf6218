//! A wire between browser and binary that a test can cut.
import { createConnection, createServer } from 'node:net'

export async function wire(port) {
  const ends = new Set()
  let cut = false
  const server = createServer((near) => {
    if (cut) return near.destroy()
    const far = createConnection(port, '127.0.0.1')
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
    close: () => {
      cut = true
      for (const end of ends) end.destroy()
      return new Promise((done) => server.close(done))
    },
  }
}
