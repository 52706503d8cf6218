//! Keeps a plot in an element: made once its width is known, moved on with the data, redrawn with the theme, gone with the element.
import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { useTheme } from '@/frame/theme'
import { canDraw, Plot, type Hover, type PlotEvents } from './plot'
import type { Model } from './types'

export type Zoom = Pick<PlotEvents, 'onSelect' | 'onReset'>

export interface PlotHandle {
  element: RefObject<HTMLDivElement | null>
  plot: RefObject<Plot | null>
  hover: Hover | null
}

export function usePlot(model: Model, height: number, zoom: Zoom, told: (index: number | null) => void): PlotHandle {
  const element = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const [hover, setHover] = useState<Hover | null>(null)
  const theme = useTheme()
  const latest = useRef({ model, zoom })
  useLayoutEffect(() => {
    latest.current = { model, zoom }
  })

  useLayoutEffect(() => {
    const box = element.current
    if (!box || !canDraw()) return
    const onHover = (next: Hover | null) => setHover((old) => (old?.index === next?.index && old?.x === next?.x ? old : next))
    const fit = () => {
      const width = box.clientWidth
      if (width < 80) return
      if (plot.current) return plot.current.setSize(width, height)
      const events = { onHover, ...latest.current.zoom }
      plot.current = new Plot(box, latest.current.model, { width, height }, events)
    }
    fit()
    const observer = new ResizeObserver(fit)
    observer.observe(box)
    return () => {
      observer.disconnect()
      plot.current?.destroy()
      plot.current = null
      setHover(null)
    }
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
  return { element, plot, hover }
}
