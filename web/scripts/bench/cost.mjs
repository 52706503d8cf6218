//! What the browser and the server spend: CPU from traces and from the system, memory after collection. Never frame rates or
//! wall time where it can be helped: a machine that is busy with other things gives the same figures.
import { readFileSync } from 'node:fs'

/** Main-thread CPU of a page while `work` runs: all of it and its longest task, in ms; what goes beyond 50 ms a task is `blocking`. */
export async function mainThread(session, work) {
  const events = []
  const collect = ({ value }) => events.push(...value)
  session.on('Tracing.dataCollected', collect)
  await session.send('Tracing.start', { categories: 'devtools.timeline,toplevel,__metadata', transferMode: 'ReportEvents' })
  const start = performance.now()
  await work()
  const took = performance.now() - start
  const complete = new Promise((done) => session.once('Tracing.tracingComplete', done))
  await session.send('Tracing.end')
  await complete
  session.off('Tracing.dataCollected', collect)
  const tasks = mainTasks(events)
  const sum = (values) => values.reduce((all, one) => all + one, 0)
  return { cpu: sum(tasks), longest: Math.max(0, ...tasks), blocking: sum(tasks.map((task) => Math.max(0, task - 50))), took }
}

/** CPU of each task on the page's main thread: of several renderers the one that did most. */
function mainTasks(events) {
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const of = (main) => events.filter(({ name, pid, tid, tdur }) => pid === main.pid && tid === main.tid && tdur !== undefined && name.endsWith('RunTask')).map(({ tdur }) => tdur / 1000)
  const all = mains.map(of)
  return all.toSorted((a, b) => b.reduce((x, y) => x + y, 0) - a.reduce((x, y) => x + y, 0))[0] ?? []
}

/** The heap in MB, once what is unused is collected. */
export async function heapMB(session) {
  await session.send('HeapProfiler.collectGarbage')
  return (await session.send('Runtime.getHeapUsage')).usedSize / 1e6
}

/** CPU seconds that a process has used so far. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Waits until a process has nothing more to do, as merging after much was stored. */
export async function rested(pid, share = 0.03, most = 300_000) {
  const end = performance.now() + most
  for (;;) {
    const [cpu, at] = [cpuSeconds(pid), performance.now()]
    await new Promise((done) => setTimeout(done, 2000))
    if ((cpuSeconds(pid) - cpu) / ((performance.now() - at) / 1000) < share) return
    if (performance.now() > end) throw new Error(`process ${pid} was still busy after ${most} ms`)
  }
}

/** ms by the page's own clock until `done` is true in it. */
export async function timed(page, act, done, arg) {
  const start = await page.evaluate(() => performance.now())
  await act()
  await page.waitForFunction(done, arg)
  return (await page.evaluate(() => performance.now())) - start
}
