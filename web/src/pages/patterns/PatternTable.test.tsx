import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Order, PatternLine } from './order'
import { PatternTable } from './PatternTable'
import { Values } from './Values'

afterEach(cleanup)

function lines(count: number): PatternLine[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i.toString(16).padStart(16, '0'),
    template: i === 1 ? '<script>alert(1)</script> by \u202e<*>' : `job ${i} took <*>`,
    count: count - i,
    share: 1 / count,
    levels: { debug: 0, info: count - i, warn: 0, error: 0 },
    sources: 1,
    firstSeen: '2026-03-01T00:00:00Z',
    lastSeen: '2026-03-02T00:00:00Z',
    isNew: i === 2,
    insight: { summary: 'analysis_failed', confidence: 0, status: 'no_key', severity: 'info', category: 'other' },
    before: i === 2 ? 0 : count,
  }))
}

function show(children: ReactNode): void {
  const client = new QueryClient({ defaultOptions: { queries: { enabled: false } } })
  render(<QueryClientProvider client={client}>{children}</QueryClientProvider>)
}

function table(given: readonly PatternLine[] | undefined, onOrder: (order: Order) => void = () => undefined, order: Order = 'count') {
  return <PatternTable lines={given} order={order} onOrder={onOrder} onPointer={() => undefined} selected={undefined} filters={{ since: 60 }} nowMs={Date.parse('2026-03-03T00:00:00Z')} />
}

function href(selector: string): string {
  return decodeURIComponent(document.querySelector(selector)?.getAttribute('href') ?? '')
}

function list(number: number): (string | null)[] {
  return within(screen.getByRole('region', { name: `Values of variable ${number}` }))
    .getAllByRole('listitem')
    .map((item) => item.textContent)
}

describe('the list', () => {
  it('holds the rows in sight alone, and says how many there are', () => {
    show(table(lines(1000)))
    const found = screen.getByRole('table', { name: 'Patterns' })
    expect(found.getAttribute('aria-rowcount')).toBe('1001')
    const links = within(found).getAllByRole('link', { current: undefined }).filter((link) => link.hasAttribute('data-pattern'))
    expect(links.length).toBeGreaterThan(10)
    expect(links.length).toBeLessThan(60)
    expect(links[0]?.closest('tr')?.getAttribute('aria-rowindex')).toBe('2')
  })

  it('shows hostile templates as text', () => {
    show(table(lines(3)))
    expect(document.querySelector('script')).toBeNull()
    expect(document.querySelector('[data-pattern="0000000000000001"]')?.textContent).toBe('<script>alert(1)</script> by ‹U+202E›<*>')
  })

  it('marks what is new', () => {
    show(table(lines(3)))
    const row = document.querySelector('[data-pattern="0000000000000002"]')?.closest('tr')
    expect(row?.textContent).toContain('NEW')
    expect(row?.textContent).toContain('new')
  })

  it('puts a selection, and ways into Explore, into addresses', () => {
    show(table(lines(3)))
    expect(href('[data-pattern="0000000000000000"]')).toBe('/patterns?sel=0000000000000000')
    expect(href('[aria-label^="Show the lines"]')).toBe('/explore?since=60&pattern=0000000000000000')
    expect(href('[aria-label^="Explore without"]')).toBe('/explore?since=60&q=-pattern:0000000000000000')
  })

  it('goes from row to row by arrows', () => {
    show(table(lines(3)))
    const [first, second] = document.querySelectorAll<HTMLElement>('[data-pattern]')
    first?.focus()
    if (first) fireEvent.keyDown(first, { key: 'ArrowDown' })
    expect(document.activeElement).toBe(second)
    if (second) fireEvent.keyDown(second, { key: 'ArrowUp' })
    expect(document.activeElement).toBe(first)
  })

  it('is ordered by its heads, and says by which', () => {
    const onOrder = vi.fn<(order: Order) => void>()
    show(table(lines(3), onOrder, 'change'))
    expect(screen.getByRole('columnheader', { name: 'Change' }).getAttribute('aria-sort')).toBe('descending')
    expect(screen.getByRole('columnheader', { name: 'Lines' }).getAttribute('aria-sort')).toBe('none')
    fireEvent.click(screen.getByRole('button', { name: 'First seen' }))
    expect(onOrder).toHaveBeenCalledWith('first')
  })

  it('has its final layout before the first answer', () => {
    show(table(undefined))
    expect(screen.getByRole('table').getAttribute('aria-rowcount')).toBe('-1')
    expect(document.querySelectorAll('.skeleton').length).toBeGreaterThan(5)
  })
})

describe('the values of a variable', () => {
  const messages = ['user a from x', 'user b from x', 'user a from y']
  it('stand there for the first one, and for another once it is hovered or focused', () => {
    render(<Values template="user <*> from <*>" messages={messages} />)
    expect(list(1)).toEqual(['a2', 'b1'])
    const [first, second] = screen.getAllByRole('button')
    if (second) fireEvent.pointerEnter(second)
    expect(list(2)).toEqual(['x2', 'y1'])
    if (first) fireEvent.focus(first)
    expect(list(1)).toEqual(['a2', 'b1'])
  })

  it('say why there are none', () => {
    const { rerender } = render(<Values template="user <*>" messages={[]} />)
    expect(screen.getByText('No lines in this range.')).toBeTruthy()
    rerender(<Values template="user <*>" messages={['another form']} />)
    expect(screen.getByText(/of other forms/)).toBeTruthy()
  })
})
