import { act, renderHook } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { useStatus } from './use-status'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('says the newest text, but never two within ten seconds', () => {
  const { result, rerender } = renderHook(({ text }) => useStatus(text), { initialProps: { text: '1 line' } })
  act(() => void vi.advanceTimersByTime(0))
  expect(result.current).toBe('1 line')
  for (let n = 2; n < 10; n++) {
    rerender({ text: `${n} lines` })
    act(() => void vi.advanceTimersByTime(1000))
    expect(result.current).toBe('1 line')
  }
  act(() => void vi.advanceTimersByTime(2000))
  expect(result.current).toBe('9 lines')
})
