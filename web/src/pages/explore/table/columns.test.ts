import { describe, expect, it } from 'vitest'
import type { TableRow } from '@/live/rows'
import { columnsOf, fieldColumn, fieldValue, flatFields, seenFields, toggled, USUAL } from './columns'

const keys = (cols: string | undefined) => columnsOf(cols, false).map(({ key }) => key)

describe('columns', () => {
  it('are the usual ones, or those of the URL that exist', () => {
    expect(keys(undefined)).toEqual(['time', 'level', 'source'])
    expect(keys('level,nonsense,context.user.id,level,context.')).toEqual(['level', 'context.user.id'])
  })

  it('are toggled in their order, and the usual choice says nothing', () => {
    expect(toggled(undefined, 'pattern')).toBe('time,level,source,pattern')
    expect(toggled('time,level,source,context.b', 'received')).toBe('time,received,level,source,context.b')
    expect(toggled('time,level', 'source')).toBeUndefined()
    expect(toggled('level', 'level')).toBe('time')
    expect(toggled(USUAL, fieldColumn('a.b'))).toBe('time,level,source,context.a.b')
  })
})

describe('fields', () => {
  const context = { status: 503, user: { id: 'u1', tags: ['a'] }, 'dotted.key': true, empty: {}, nothing: null }
  it('are read by path', () => {
    expect(fieldValue(context, 'status')).toBe('503')
    expect(fieldValue(context, 'user.id')).toBe('u1')
    expect(fieldValue(context, 'dotted.key')).toBe('true')
    expect(fieldValue(context, 'user')).toBe('{"id":"u1","tags":["a"]}')
    expect(fieldValue(context, 'user.id.deeper')).toBe('')
    expect(fieldValue(context, 'absent')).toBe('')
  })

  it('are listed flat, lists and empty objects as they are', () => {
    expect(flatFields(context)).toEqual([
      { path: 'status', value: '503' },
      { path: 'user.id', value: 'u1' },
      { path: 'user.tags', value: '["a"]' },
      { path: 'dotted.key', value: 'true' },
      { path: 'empty', value: '{}' },
      { path: 'nothing', value: 'null' },
    ])
  })

  it('of rows are gathered with a few of their values, within bounds', () => {
    const row = (extra: object): TableRow => ({ kind: 'line', seq: '0-1', time: 0, received: 0, level: 'info', source: 's', message: '', patternId: '', extra: JSON.stringify({ context: extra }) })
    const rows = Array.from({ length: 100 }, (_, i) => row({ status: i, [`key${i}`]: 'x'.repeat(i) }))
    const found = seenFields(rows, 10)
    expect(found.size).toBe(10)
    expect(found.get('status')).toEqual(['0', '1', '2', '3', '4', '5'])
  })
})
