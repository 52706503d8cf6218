//! How the rows of the table are laid out, by the URL and the window.
import { useMemo } from 'react'
import type { ExploreSearch } from '@/lib/search-params'
import { columnsOf, USUAL } from './table/columns'
import type { Layout } from './table/RowView'

const HEIGHT = { usual: 26, compact: 21, phone: 44 }
const WRAPPED_LINES_PX = 38

export function useLayout(search: Pick<ExploreSearch, 'cols' | 'view' | 'levels'>, phone: boolean, dated: boolean): Layout {
  const { cols, view } = search
  const tinted = search.levels !== 'error'
  return useMemo(() => {
    const parts = view?.split(',') ?? []
    const wrap = parts.includes('wrap')
    const base = phone ? HEIGHT.phone : parts.includes('compact') ? HEIGHT.compact : HEIGHT.usual
    return {
      // Two lines have no room for more than the usual ones.
      columns: columnsOf(phone ? USUAL : cols, dated),
      height: wrap ? base + WRAPPED_LINES_PX : base,
      lines: wrap ? 3 : 1,
      phone,
      dated,
      tinted,
    }
  }, [cols, view, phone, dated, tinted])
}
