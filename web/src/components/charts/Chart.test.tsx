import { cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import { afterEach, describe, expect, it } from 'vitest'
import { Chart, type ChartProps } from './Chart'
import { Tooltip } from './Tooltip'

afterEach(cleanup)

const props: ChartProps = {
  kind: 'stack',
  label: 'Events over time',
  times: [0, 1000, 2000],
  stepMs: 1000,
  height: 120,
  series: [
    { key: 'info', token: 'info-fill', values: [10, 20, 30] },
    { key: 'warn', token: 'warn-fill', values: [1, 2, 3] },
    { key: '<b>evil\u202e', token: 'c0', values: [0, 0, 1] },
  ],
}

const legend = () => screen.getByRole('list', { name: 'Events over time: legend' })
const entry = (name: RegExp) => within(legend()).getByRole('button', { name })
const pressed = () => within(legend()).getAllByRole('button').map((button) => button.getAttribute('aria-pressed'))

describe('the legend', () => {
  it('hides and shows on a click, isolates with Alt, and brings all back', () => {
    render(<Chart {...props} />)
    expect(pressed()).toEqual(['true', 'true', 'true'])
    fireEvent.click(entry(/^info/))
    expect(pressed()).toEqual(['false', 'true', 'true'])
    fireEvent.click(entry(/^warn/), { altKey: true })
    expect(pressed()).toEqual(['false', 'true', 'false'])
    fireEvent.click(entry(/^warn/), { altKey: true })
    expect(pressed()).toEqual(['true', 'true', 'true'])
  })

  it('shows totals of counts and the newest of rates', () => {
    const { rerender } = render(<Chart {...props} />)
    expect(entry(/^info/).textContent).toBe('info60')
    rerender(<Chart {...props} unit="rate" />)
    expect(entry(/^info/).textContent).toBe('info30')
  })

  it('shows hostile names as text', () => {
    render(<Chart {...props} />)
    expect(legend().querySelector('b')).toBeNull()
    expect(entry(/evil/).textContent).toContain('<b>evil‹U+202E›')
  })

  it('folds more than eight series', () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ key: `source ${i}`, token: 'c0', values: [i, i, i] }))
    render(<Chart {...props} series={many} />)
    const names = within(legend()).getAllByRole('button').map((button) => button.textContent)
    expect(names).toHaveLength(8)
    expect(names[7]).toContain('Other')
  })
})

describe('the table', () => {
  it('takes the place of the plot, newest first, without what is hidden', () => {
    render(<Chart {...props} />)
    fireEvent.click(entry(/^warn/))
    fireEvent.click(screen.getByRole('button', { name: 'Table of Events over time' }))
    const rows = within(screen.getByRole('table')).getAllByRole('row')
    expect(rows.map((row) => within(row).queryAllByRole('cell').map((cell) => cell.textContent))).toEqual([[], ['30', '1'], ['20', '0'], ['10', '0']])
    const region = screen.getByRole('region', { name: 'Events over time: table' })
    expect(region.style.height).toBe('120px')
  })
})

describe('what a chart says', () => {
  it('has a name, a summary, and a point in time to move', () => {
    render(<Chart {...props} />)
    const figure = screen.getByRole('figure', { name: 'Events over time' })
    const summary = document.getElementById(figure.getAttribute('aria-describedby') ?? '')
    expect(summary?.textContent).toContain('Highest 34')
    expect(screen.getByRole('slider', { name: 'Events over time: point in time' })).toBeTruthy()
  })

  it('is busy while it loads, in the same height', () => {
    render(<Chart {...props} loading />)
    const figure = screen.getByRole('figure')
    expect(figure.getAttribute('aria-busy')).toBe('true')
    expect(screen.queryByRole('slider')).toBeNull()
    expect(figure.querySelector<HTMLElement>('[aria-hidden="true"]')?.style.height).toBe('120px')
  })

  it('shows why it is empty over the plot', () => {
    render(<Chart {...props} series={[]} overlay={<p>Nothing here</p>} />)
    expect(screen.getByText('Nothing here')).toBeTruthy()
  })
})

describe('the tooltip', () => {
  it('is sorted, with total and shares, and counts what has no room', () => {
    const rows = ['e', 'd', 'c', 'b', 'a'].map((key, i) => ({ key, label: key, token: 'c0', value: 50 - i * 10, share: (50 - i * 10) / 150 }))
    const bucket = { from: 0, to: 1000, rows, total: 150 }
    render(<Tooltip bucket={bucket} unit="count" x={10} y={50} area={{ width: 400, height: 124 }} newest={0} />)
    const texts = within(screen.getByTestId('chart-tooltip')).getAllByRole('row', { hidden: true }).map((row) => row.textContent)
    expect(texts).toEqual(['e5033.3%', 'd4026.7%', '+3 more · total150'])
  })
})
