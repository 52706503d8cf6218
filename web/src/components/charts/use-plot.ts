//! Keeps a plot in an element: made once its width is known, moved on with the data, redrawn with the theme, gone with the element.
import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { useTheme } from '@/frame/theme'
import type { Hover, Plot, PlotEvents } from './plot'
import type { Model } from './types'

export type Zoom = Pick<PlotEvents, 'onSelect' | 'onReset'>

export interface PlotHandle {
  element: RefObject<HTMLDivElement | null>
  plot: RefObject<Plot | null>
  hover: Hover | null
  /** `none`: the browser gives no canvas; `failed`: the code for drawing could not be loaded. Legend, summary and table remain. */
  state: 'waiting' | 'drawn' | 'none' | 'failed'
}

/** What draws is a chunk of its own: figures and lists don't wait for it. Asked for as soon as the first chart's code is there. */
const drawing = import('./plot')
// Told by the chart that waits for it.
drawing.catch(() => undefined)

/** Below this a plot has no room for its axes. */
const LEAST_PX = 80

function canDraw(): boolean {
  return document.createElement('canvas').getContext('2d') !== null
}

/** Once what draws is there, tells it the width of the element, now and whenever that changes. Returns what ends it. */
function fitted(box: HTMLElement, begin: (drawn: typeof import('./plot')) => (width: number) => void, fail: () => void): () => void {
  let gone = false
  let observer: ResizeObserver | null = null
  const start = (drawn: typeof import('./plot')) => {
    if (gone) return
    const fit = begin(drawn)
    observer = new ResizeObserver(() => {
      if (box.clientWidth >= LEAST_PX) fit(box.clientWidth)
    })
    observer.observe(box)
  }
  drawing.then(start, () => gone || fail())
  return () => {
    gone = true
    observer?.disconnect()
  }
}

export function usePlot(model: Model, height: number, zoom: Zoom, told: (index: number | null) => void): PlotHandle {
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const [hover, setHover] = useState<Hover | null>(null)
  const [state, setState] = useState<PlotHandle['state']>(() => (canDraw() ? 'waiting' : 'none'))
  const theme = useTheme()
  const latest = useRef({ model, zoom })
  useLayoutEffect(() => {
    latest.current = { model, zoom }
  })

  useLayoutEffect(() => {
    const box = element.current
    if (!box || state === 'none') return
    const onHover = (next: Hover | null) => setHover((old) => (old?.index === next?.index && old?.x === next?.x ? old : next))
    const begin = ({ Plot: Drawn }: typeof import('./plot')) => (width: number) => {
      if (plot.current) return plot.current.setSize(width, height)
      plot.current = new Drawn(box, latest.current.model, { width, height }, { onHover, ...latest.current.zoom })
      setState('drawn')
    }
    const end = fitted(box, begin, () => setState('failed'))
    return () => {
      end()
      plot.current?.destroy()
      plot.current = null
      setHover(null)
    }
    // A plot that is drawn is not begun again.
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- `state` is read once
  }, [height])

  useEffect(() => {
    plot.current?.setZoom(zoom)
  }, [zoom])
  useEffect(() => {
    plot.current?.setModel(model)
  }, [model])
  useEffect(() => {
    plot.current?.setTheme(theme)
  }, [theme])
  const index = hover?.index ?? null
  useEffect(() => told(index), [told, index])
  return { element, plot, hover, state }
}
