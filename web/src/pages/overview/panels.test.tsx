import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/client'
import { bandOf } from './Charts'
import { FirstData, snippets } from './FirstData'
import { Tile } from './Tile'

vi.mock('@/live/live', () => ({ live: {} }))

afterEach(cleanup)

describe('a tile', () => {
  it('shows its figure with what changed', () => {
    render(<Tile label="Error rate" value="3.1%" below="+1.3 pts vs 15 min before" tone="bad" direction="up" values={[1, 2]} token="error-fill" />)
    const tile = screen.getByRole('region', { name: 'Error rate' })
    expect(tile.textContent).toContain('3.1%')
    expect(tile.textContent).toContain('+1.3 pts')
  })

  it('says why it has none, and asks again', () => {
    const retry = vi.fn<() => void>()
    render(<Tile label="Throughput" value={undefined} token="info-fill" error={new ApiError(503, 'not_ready', 'Still replaying.')} onRetry={retry} />)
    expect(screen.getByText('Still replaying.')).toBeTruthy()
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }))
    expect(retry).toHaveBeenCalledOnce()
  })

  it('keeps its figure when it could not be asked again', () => {
    render(<Tile label="Throughput" value="12" unit="/s" token="info-fill" error={new ApiError(503, 'not_ready', 'Still replaying.')} />)
    expect(screen.getByText('12')).toBeTruthy()
    expect(screen.queryByText('Still replaying.')).toBeNull()
  })
})

describe('the first steps', () => {
  it('send to the machine that the page came from', () => {
    expect(snippets('logs.local')[0]?.command).toContain('http://logs.local:3001/ingest')
    render(<FirstData />)
    expect(screen.getByRole('heading', { name: 'Nothing has arrived yet' })).toBeTruthy()
    expect(screen.getAllByRole('button', { name: 'Copy' })).toHaveLength(3)
  })
})

it('names the usual band in words', () => {
  expect(bandOf({ low: 0.01, high: 0.045 })?.label).toBe('Usual: 1.0% – 4.5%')
  expect(bandOf(null)).toBeUndefined()
  expect(bandOf(undefined)).toBeUndefined()
})
