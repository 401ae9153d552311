/** Thirty days of requests, with last year's line where there is one. */

import { LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import type { CockpitData } from './data'
import { say } from './data'
import { part } from './dom'
import { px } from './format'

echarts.use([LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

const TEXT = '#8aa0bc'
const ACCENT = '#4cc2ff'
const FONT = getComputedStyle(document.documentElement).getPropertyValue('--font')

let chart: echarts.ECharts | null = null
let shown: CockpitData['trend'] | null = null
let today = 0

function draw(): void {
  const place = part('[data-chart="trend"]')
  if (!place || !shown) return
  chart ??= echarts.init(place, null, { renderer: 'canvas' })
  const taken = [...shown.taken]
  // Today's point moves with every event.
  taken[taken.length - 1] = today
  const lastYear = shown.last_year.some((value) => value !== null)
  const size = px(0.75)
  const line = (name: string, data: (number | null)[], color: string, extra: object = {}) => ({
    name,
    type: 'line' as const,
    data,
    symbol: 'circle',
    symbolSize: px(0.35),
    showSymbol: false,
    lineStyle: { width: px(0.125), color },
    itemStyle: { color },
    animation: false,
    ...extra,
  })
  chart.setOption(
    {
      textStyle: { fontFamily: FONT, fontSize: size },
      grid: { left: px(2.6), right: px(0.6), top: px(1.9), bottom: px(1.5) },
      legend: {
        top: 0,
        right: 0,
        icon: 'circle',
        itemWidth: px(0.5),
        itemHeight: px(0.5),
        itemGap: px(0.9),
        textStyle: { color: TEXT, fontSize: size },
      },
      // Drawn on the canvas: a tooltip in HTML would carry inline styles, which the policy refuses.
      tooltip: {
        trigger: 'axis',
        renderMode: 'richText',
        backgroundColor: '#0b1626',
        borderColor: '#2a3f5c',
        textStyle: { color: '#e6edf7', fontSize: size },
        confine: true,
      },
      xAxis: {
        type: 'category',
        boundaryGap: false,
        data: shown.days.map((day) => `${Number(day.slice(5, 7))}/${Number(day.slice(8))}`),
        axisLine: { lineStyle: { color: '#2a3f5c' } },
        axisTick: { show: false },
        axisLabel: { color: TEXT, fontSize: size, interval: 6, showMaxLabel: true, alignMaxLabel: 'right' },
      },
      yAxis: {
        type: 'value',
        minInterval: 1,
        splitNumber: 3,
        axisLabel: { color: TEXT, fontSize: size },
        splitLine: { lineStyle: { color: '#1c3049' } },
      },
      series: [
        line(say('taken'), taken, ACCENT, { areaStyle: { color: 'rgba(76,194,255,0.10)' } }),
        line(say('closed'), shown.closed, '#5fc48d'),
        ...(lastYear
          ? [line(say('last_year'), shown.last_year, TEXT, { lineStyle: { width: 1.5, color: TEXT, type: 'dashed' } })]
          : []),
      ],
    },
    { notMerge: true },
  )
}

export function showTrend(trend: CockpitData['trend'], takenToday: number): void {
  shown = trend
  today = takenToday
  draw()
}

export function moveTrend(takenToday: number): void {
  if (takenToday === today) return
  today = takenToday
  draw()
}

export function resizeTrend(): void {
  chart?.resize()
  draw()
}
