// @vitest-environment node
import { expect, it } from 'vitest'
import { FewAtOnce } from './few-at-once'

/** A task that ends when it is told to. */
function held(log: string[], name: string) {
  let end: () => void = () => undefined
  const task = () => {
    log.push(name)
    return new Promise<void>((done) => (end = done))
  }
  return { task, end: () => end() }
}

const live = () => new AbortController().signal

it('runs so many at once, the rest in order', async () => {
  const few = new FewAtOnce(2)
  const log: string[] = []
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => held(log, name))
  const runs = [a, b, c, d].map((one) => one && few.run(one.task, live()))
  expect(log).toEqual(['a', 'b'])
  b?.end()
  await runs[1]
  expect(log).toEqual(['a', 'b', 'c'])
  c?.end()
  await runs[2]
  expect(log).toEqual(['a', 'b', 'c', 'd'])
  a?.end()
  d?.end()
  await Promise.all(runs)
})

it('forgets those that nobody waits for any more', async () => {
  const few = new FewAtOnce(1)
  const log: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((name) => held(log, name))
  const gone = new AbortController()
  const first = a && few.run(a.task, live())
  const second = b && few.run(b.task, gone.signal)
  const third = c && few.run(c.task, live())
  gone.abort()
  await expect(second).rejects.toThrow()
  a?.end()
  await first
  expect(log).toEqual(['a', 'c'])
  c?.end()
  await third
})

it('goes on after a failure', async () => {
  const few = new FewAtOnce(1)
  await expect(few.run(() => Promise.reject(new Error('no')), live())).rejects.toThrow('no')
  await expect(few.run(() => Promise.resolve(7), live())).resolves.toBe(7)
})
