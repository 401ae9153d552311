/** The chart of an alert: readings, what was judged, the bounds, and the moments. */

import { LineChart } from 'echarts/charts'
import { DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import { init, use, type ECharts } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { getJson } from '../core/http'

use([LineChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, DataZoomComponent, CanvasRenderer])

type Step = { level: number; bound: number }
type Series = {
  unit: string
  name: string
  mean: boolean
  window_hours: number
  points: [number, number, number | null][]
  from_lake: boolean
  steps: Step[]
  clear_at: number
  started_at: number | null
  raised_at: number | null
  cleared_at: number | null
}

// The platform's four level colours; each bound also carries its word.
const COLOURS: Record<number, string> = { 1: '#E5484D', 2: '#F76B15', 3: '#F5B700', 4: '#3E7BFA' }

const words = (box: HTMLElement, name: string, value = ''): string => (box.dataset[name] ?? '').replace('%s', value)

function bounds(box: HTMLElement, series: Series): object[] {
  const highest = Math.max(...series.points.map((point) => Math.max(point[1], point[2] ?? point[1])))
  // Bounds far above everything measured would flatten the curve.
  const near = series.steps.filter((step) => step.bound <= highest * 1.4)
  const shown = near.length ? near : series.steps.slice(0, 1)
  return shown.map((step) => ({
    yAxis: step.bound,
    lineStyle: { color: COLOURS[step.level], type: 'solid', width: 1.5 },
    label: { formatter: `${words(box, 'wordsLevel', String(step.level))}  ${step.bound}`, position: 'insideEndTop', color: '#566376' },
  }))
}

function moments(box: HTMLElement, series: Series): object[] {
  const named: [number | null, string][] = [
    [series.started_at, 'wordsStarted'],
    [series.raised_at, 'wordsRaised'],
    [series.cleared_at, 'wordsCleared'],
  ]
  const seen = new Set<number>()
  return named.flatMap(([at, name]) => {
    if (at === null || seen.has(at)) return []
    seen.add(at)
    const main = name === 'wordsRaised' || at === series.raised_at
    return [{
      xAxis: at,
      lineStyle: { color: main ? '#16202e' : '#8b97a6', type: main ? 'solid' : 'dashed', width: main ? 1.5 : 1 },
      label: { formatter: words(box, main ? 'wordsRaised' : name), color: '#16202e', rotate: 0, position: 'end' },
    }]
  })
}

function options(box: HTMLElement, series: Series): Record<string, unknown> {
  const readings = series.points.map((point) => [point[0], point[1]])
  const judged = series.points.map((point) => [point[0], point[2]])
  const marks = { symbol: 'none', silent: true, data: [...bounds(box, series), ...moments(box, series)] }
  const reading = `${series.name} ${words(box, 'wordsValue')}`
  const lines: object[] = [{
    name: reading,
    type: 'line',
    data: readings,
    showSymbol: !series.from_lake,
    lineStyle: { width: series.mean ? 1 : 2, color: series.mean ? '#9db2cf' : '#1d5fd6' },
    itemStyle: { color: series.mean ? '#9db2cf' : '#1d5fd6' },
    ...(series.mean ? {} : { markLine: marks }),
  }]
  if (series.mean) {
    lines.push({
      name: words(box, 'wordsMean', String(series.window_hours)),
      type: 'line',
      data: judged,
      showSymbol: false,
      connectNulls: false,
      lineStyle: { width: 2.5, color: '#1d5fd6' },
      itemStyle: { color: '#1d5fd6' },
      markLine: marks,
    })
  }
  return {
    animation: false,
    grid: { left: 56, right: 24, top: 48, bottom: 64 },
    legend: { top: 0, left: 0, itemWidth: 18 },
    tooltip: { trigger: 'axis', valueFormatter: (value: unknown) => (typeof value === 'number' ? `${value.toFixed(1)} ${series.unit}` : '—') },
    xAxis: { type: 'time', axisLabel: { hideOverlap: true } },
    yAxis: { type: 'value', name: series.unit, nameTextStyle: { align: 'left' } },
    dataZoom: [{ type: 'inside', zoomOnMouseWheel: 'ctrl' }, { type: 'slider', height: 20, bottom: 8, brushSelect: false }],
    series: lines,
  }
}

function note(text: string): void {
  const place = document.querySelector<HTMLElement>('[data-chart-note]')
  if (!place) return
  place.textContent = text
  place.hidden = !text
}

async function draw(box: HTMLElement, chart: ECharts): Promise<void> {
  try {
    const series = await getJson<Series>(box.dataset.url ?? '')
    chart.setOption(options(box, series), { notMerge: true })
    box.dataset.points = String(series.points.length)
    note(series.from_lake ? '' : words(box, 'wordsEvidence'))
  } catch {
    note(words(box, 'wordsFailed'))
  }
}

export function start(): void {
  const box = document.querySelector<HTMLElement>('#alert-chart')
  if (!box) return
  const chart = init(box)
  new ResizeObserver(() => chart.resize()).observe(box)
  void draw(box, chart)
  const id = document.querySelector<HTMLElement>('[data-alert]')?.dataset.alert
  document.body.addEventListener('live:alerts.alert.moved', (event) => {
    const { body } = (event as CustomEvent<{ body: { alert_id?: number } }>).detail
    if (String(body.alert_id) === id) void draw(box, chart)
  })
}
