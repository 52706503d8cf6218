import { describe, expect, it } from 'vitest'
import { cut, pieces, plain, visible } from './hostile'

describe('hostile text', () => {
  const cases: [text: string, shown: string][] = [
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
    ['a\u0000b', 'a‹NUL›b'],
    ['\u001b[31mred', '‹ESC›[31mred'],
    ['exe.\u202etxt', 'exe.‹U+202E›txt'],
    ['a\u200bb\ufeff', 'a‹U+200B›b‹U+FEFF›'],
    ['line\nnext\ttab\r', 'line↵next⇥tab‹CR›'],
    ['tag \u{e0041}', 'tag ‹U+E0041›'],
    ['\u007f\u0085', '‹DEL›‹U+0085›'],
    ['日本語 naïve 😀', '日本語 naïve 😀'],
    ['', ''],
  ]
  it.each(cases)('%j', (text, shown) => {
    expect(plain(text)).toBe(shown)
  })

  it('keeps lines where they are asked for', () => {
    expect(pieces('a\n\tb\u0007', true)).toEqual([
      { text: 'a\n\tb', hidden: false },
      { text: '‹BEL›', hidden: true },
    ])
  })

  it('names every control character', () => {
    for (let code = 0; code < 0x20; code++) expect(visible(String.fromCodePoint(code))).not.toContain('undefined')
  })

  it('cuts between characters', () => {
    expect(cut('ab😀', 3)).toBe('ab')
    expect(cut('ab😀', 4)).toBe('ab😀')
    expect(plain('x'.repeat(100_000), 10)).toBe('xxxxxxxxxx')
  })
})
