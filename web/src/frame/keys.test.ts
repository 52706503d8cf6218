import { afterEach, describe, expect, it, vi } from 'vitest'
import { Keys, type Binding } from './keys'

afterEach(() => {
  document.body.replaceChildren()
})

function bound(...names: string[]) {
  const keys = new Keys()
  const runs = names.map((name) => {
    const run = vi.fn<Binding['run']>()
    keys.add({ keys: name, does: name, group: 'g', run, always: name.startsWith('Ctrl') })
    return run
  })
  const press = (key: string, on: Element = document.body, init: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init })
    Object.defineProperty(event, 'target', { value: on })
    keys.handle(event)
    return event
  }
  return { keys, runs, press }
}

function element(tag: string): HTMLElement {
  const made = document.createElement(tag)
  document.body.append(made)
  return made
}

describe('keys', () => {
  it('run what is bound to them, letters in either case', () => {
    const { runs, press } = bound('L', 'Space', '?')
    expect(press('l').defaultPrevented).toBe(true)
    press(' ')
    press('?')
    press('x')
    expect(runs.map((run) => run.mock.calls.length)).toEqual([1, 1, 1])
  })

  it('know two in a row', () => {
    const { runs, press } = bound('g e', 'e')
    press('g')
    press('e')
    press('e')
    expect(runs.map((run) => run.mock.calls.length)).toEqual([1, 1])
  })

  it('leave those alone who type, press a button or are in a sheet', () => {
    const { runs, press } = bound('t', 'Space', 'Enter')
    press('t', element('input'))
    press(' ', element('button'))
    press('Enter', element('a'))
    press('t', element('dialog'))
    expect(runs.every((run) => run.mock.calls.length === 0)).toBe(true)
  })

  it('with Ctrl work while typing, and never for another key', () => {
    const { runs, press } = bound('Ctrl K', 'k')
    press('k', element('input'), { ctrlKey: true })
    press('k', document.body, { metaKey: true })
    expect(runs.map((run) => run.mock.calls.length)).toEqual([2, 0])
  })

  it('go on to the next binding where the newest had nothing to do', () => {
    const { keys, runs, press } = bound('Esc')
    const off = keys.add({ keys: 'Esc', does: '', group: 'g', run: () => false })
    press('Escape')
    expect(runs[0]).toHaveBeenCalledTimes(1)
    off()
    expect(keys.all().length).toBe(1)
  })
})
