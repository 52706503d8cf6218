//! A few at once: a page of patterns asks for a trend each, and must not stand in the way of what someone just clicked on.

type Task = () => void

export class FewAtOnce {
  private running = 0
  private readonly waiting: Task[] = []

  constructor(private readonly most: number) {}

  /** Runs it when there is room; one whose signal is aborted while it waits never runs. */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.running >= this.most) await this.turn(signal)
    signal.throwIfAborted()
    this.running++
    try {
      return await task()
    } finally {
      this.running--
      this.waiting.shift()?.()
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((go, stop) => {
      const start = () => {
        signal.removeEventListener('abort', leave)
        go()
      }
      const leave = () => {
        this.waiting.splice(this.waiting.indexOf(start), 1)
        stop(signal.reason)
      }
      this.waiting.push(start)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
}
