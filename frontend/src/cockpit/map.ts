/**
 * The map: areas below the one on screen, coloured by load; open alerts as shapes that pulse once when they come.
 *
 * Nothing leaves the machine: no tiles, no glyphs. Boundaries come from our own server, labels are HTML.
 */

import {
  LngLatBounds,
  Map as LibreMap,
  Marker,
  setWorkerUrl,
  type FilterSpecification,
  type GeoJSONSource,
  type MapLayerMouseEvent,
  type StyleSpecification,
} from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import 'maplibre-gl/dist/maplibre-gl.css'
import type * as GeoJSON from 'geojson'
import { getJson } from '../core/http'
import type { AreaRow, CockpitData, OpenAlert } from './data'
import { say } from './data'
import { make, part } from './dom'
import { big, exact, px } from './format'
import { levelImage } from './marks'
import type { CockpitState } from './state'

export const LAYERS: Record<string, string> = {
  orders: 'orders.open',
  requests: 'tickets.taken',
  alerts: 'alerts.open',
  reports: 'reports.open',
}
const STEPS = ['#14283f', '#18405f', '#1d5a82', '#2379a9', '#3a9fd4']
const WITHOUT: FilterSpecification = ['==', ['get', 'code'], '']

type AreaShape = GeoJSON.Feature<GeoJSON.Geometry, { code: string; name: string; at: [number, number] }>
type Shapes = { areas: GeoJSON.FeatureCollection; outline: GeoJSON.FeatureCollection; box: [number, number, number, number] | null }

const empty = (): GeoJSON.FeatureCollection => ({ type: 'FeatureCollection', features: [] })

const STYLE: StyleSpecification = {
  version: 8,
  sources: {
    areas: { type: 'geojson', data: empty(), promoteId: 'code' },
    outline: { type: 'geojson', data: empty() },
    alerts: { type: 'geojson', data: empty() },
  },
  layers: [
    { id: 'ground', type: 'background', paint: { 'background-color': '#0b1626' } },
    {
      id: 'areas',
      type: 'fill',
      source: 'areas',
      paint: {
        'fill-color': [
          'match',
          ['coalesce', ['feature-state', 'step'], 0],
          1,
          STEPS[1] as string,
          2,
          STEPS[2] as string,
          3,
          STEPS[3] as string,
          4,
          STEPS[4] as string,
          STEPS[0] as string,
        ],
      },
    },
    {
      id: 'borders',
      type: 'line',
      source: 'areas',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#5b7ea6', 'line-width': 1, 'line-opacity': 0.75 },
    },
    {
      id: 'hover',
      type: 'line',
      source: 'areas',
      filter: WITHOUT,
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#e6edf7', 'line-width': 2 },
    },
    {
      id: 'outline',
      type: 'line',
      source: 'outline',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': '#8fb4dc', 'line-width': 1.75 },
    },
    {
      id: 'alerts',
      type: 'symbol',
      source: 'alerts',
      layout: {
        'icon-image': ['concat', 'level-', ['to-string', ['get', 'level']]],
        'icon-allow-overlap': true,
        'symbol-sort-key': ['-', 5, ['get', 'level']],
      },
    },
  ],
}

/** The colour step of a value, 0 (none) to 4; few cases are not painted as if they were many. */
function stepOf(value: number, most: number): number {
  return most <= 4 ? value : Math.min(4, Math.ceil((4 * value) / most))
}

/** The largest value of each step, for the legend. */
function topsOf(most: number): number[] {
  if (most <= 4) return Array.from({ length: most + 1 }, (_, n) => n)
  return [0, 1, 2, 3, 4].map((step) => Math.floor((step * most) / 4))
}

export class CockpitMap {
  private map: LibreMap | null = null
  private readonly place: HTMLElement
  private readonly areasUrl: string
  private readonly open: (code: string) => void
  private layer = 'orders'
  private shapes: Shapes | null = null
  private labels = new Map<string, { marker: Marker; value: HTMLElement; element: HTMLElement }>()
  private chips = new Map<string, HTMLElement>()
  private state: CockpitState | null = null
  private data: CockpitData | null = null
  private seen = new Set<string>()
  private ready: Promise<void>

  constructor(place: HTMLElement, areasUrl: string, open: (code: string) => void) {
    this.place = place
    this.areasUrl = areasUrl
    this.open = open
    this.ready = this.begin()
  }

  private async begin(): Promise<void> {
    // A module worker from our own origin: the content policy allows no blob workers.
    setWorkerUrl(new URL(workerUrl, import.meta.url).href)
    try {
      this.map = new LibreMap({
        container: this.place,
        style: STYLE,
        attributionControl: false,
        dragRotate: false,
        pitchWithRotate: false,
        touchPitch: false,
        renderWorldCopies: false,
        fadeDuration: 0,
        minZoom: 6,
        maxZoom: 16,
        center: [121, 32.1],
        zoom: 8,
      })
    } catch {
      this.map = null
      return
    }
    const map = this.map
    map.touchZoomRotate.disableRotation()
    await new Promise<void>((resolve) => map.once('load', () => resolve()))
    for (const level of [1, 2, 3, 4]) map.addImage(`level-${level}`, levelImage(level, px(1.25)), { pixelRatio: 1 })
    map.on('click', (event) => this.click(event as MapLayerMouseEvent))
    map.on('mousemove', 'areas', (event) => this.hover(event))
    map.on('mouseleave', 'areas', () => {
      map.setFilter('hover', WITHOUT)
      map.getCanvas().style.cursor = ''
    })
    map.on('moveend', () => this.thinLabels())
  }

  private click(event: MapLayerMouseEvent): void {
    const map = this.map
    if (!map) return
    const reach = px(0.6)
    const { x, y } = event.point
    const alert = map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: ['alerts'] })[0]
    if (alert) {
      location.assign(String(alert.properties.href))
      return
    }
    const area = map.queryRenderedFeatures(event.point, { layers: ['areas'] })[0]
    if (area && this.data?.drill) this.open(String(area.properties.code))
  }

  private hover(event: MapLayerMouseEvent): void {
    const code = String(event.features?.[0]?.properties.code ?? '')
    this.map?.setFilter('hover', ['==', ['get', 'code'], code])
    if (this.map) this.map.getCanvas().style.cursor = this.data?.drill ? 'pointer' : ''
  }

  /** Another area: its boundaries, then its view. */
  async show(data: CockpitData): Promise<void> {
    this.data = data
    const shapes = await getJson<Shapes>(this.areasUrl.replace('CODE', data.area.code))
    await this.ready
    if (this.data !== data) return
    this.shapes = shapes
    part('[data-map-note]')?.toggleAttribute('hidden', !data.demo_boundaries)
    if (!this.map) {
      this.fallback(data)
      return
    }
    ;(this.map.getSource('areas') as GeoJSONSource).setData(shapes.areas)
    ;(this.map.getSource('outline') as GeoJSONSource).setData(shapes.outline)
    this.setLabels(shapes.areas.features as AreaShape[])
    this.fit(false)
    this.showAlerts(data.alerts, false)
    this.showChips(data)
    if (this.state) this.colour(this.state)
  }

  fit(smooth: boolean): void {
    const box = this.shapes?.box
    if (!box || !this.map) return
    this.map.resize()
    const phone = this.place.clientWidth < 700
    const edge = phone ? 24 : px(1.75)
    this.map.fitBounds(new LngLatBounds([box[0], box[1]], [box[2], box[3]]), {
      padding: { top: edge + (phone ? 44 : px(1.5)), bottom: edge, left: edge, right: edge },
      animate: smooth,
    })
    this.thinLabels()
  }

  setLayer(layer: string): void {
    this.layer = layer
    if (this.state) this.colour(this.state)
  }

  private setLabels(features: AreaShape[]): void {
    for (const { marker } of this.labels.values()) marker.remove()
    this.labels.clear()
    if (!this.map) return
    const below = new Set(this.data?.children.map((child) => child.code))
    for (const feature of features) {
      const { code, name, at } = feature.properties
      if (!at || !below.has(code)) continue
      const element = make('div', 'map-label')
      const value = make('b', '', '')
      element.append(make('span', '', name), value)
      const marker = new Marker({ element, anchor: 'center' }).setLngLat(at).addTo(this.map)
      this.labels.set(code, { marker, value, element })
    }
  }

  /** Colours and numbers from the state; called on every change, cheap when nothing moved. */
  colour(state: CockpitState): void {
    this.state = state
    if (!this.shapes || !this.data || state.area !== this.data.area.code) return
    const figure = LAYERS[this.layer] ?? 'orders.open'
    const values = this.data.children.map((child) => state.children[child.code]?.[figure] ?? 0)
    const most = Math.max(...values, 0)
    for (const [n, child] of this.data.children.entries()) {
      const value = values[n] ?? 0
      const step = stepOf(value, most)
      if (this.labels.has(child.code)) this.map?.setFeatureState({ source: 'areas', id: child.code }, { step })
      const chip = this.chips.get(child.code)
      if (chip) chip.textContent = big(value)
      const label = this.labels.get(child.code)
      if (label) {
        label.value.textContent = big(value)
        label.element.title = `${child.name} ${exact(value)}`
        label.element.dataset.load = String(value)
      }
    }
    this.legend(most)
  }

  private legend(most: number): void {
    const place = part('[data-legend]')
    if (!place) return
    const key = `${this.layer}:${most}`
    if (place.dataset.key === key) return
    place.dataset.key = key
    const rows = topsOf(most)
    place.replaceChildren(make('span', 'legend-title', say(`layer_${this.layer}`)))
    for (const [n, top] of rows.entries()) {
      const row = make('span', `legend-row legend-${stepOf(top, most)}`)
      const before = rows[n - 1]
      const from = before === undefined ? 0 : before + 1
      row.append(make('i'), n === 0 ? '0' : from === top ? big(top) : `${big(from)}–${big(top)}`)
      place.append(row)
    }
  }

  /** Alerts with a place; those that were not here before pulse once and then stay still. */
  showAlerts(alerts: OpenAlert[], pulse: boolean): void {
    if (!this.map) return
    const placed = alerts.filter((alert) => alert.point)
    ;(this.map.getSource('alerts') as GeoJSONSource | undefined)?.setData({
      type: 'FeatureCollection',
      features: placed.map((alert) => ({
        type: 'Feature',
        geometry: { type: 'Point', coordinates: alert.point as [number, number] },
        properties: { level: alert.level, href: alert.href, title: alert.title },
      })),
    })
    for (const alert of placed) {
      if (pulse && !this.seen.has(alert.ref)) this.pulse(alert)
      this.seen.add(alert.ref)
    }
  }

  private pulse(alert: OpenAlert): void {
    if (!this.map || !alert.point) return
    const element = make('div', `pulse pulse-${alert.level}`)
    element.append(make('i'))
    const marker = new Marker({ element }).setLngLat(alert.point).addTo(this.map)
    window.setTimeout(() => marker.remove(), 2600)
  }

  /** Labels that would cover one another give way to the busier area. */
  private thinLabels(): void {
    const kept: DOMRect[] = []
    const all = [...this.labels.values()]
    for (const { element } of all) element.classList.remove('is-thin', 'is-hidden')
    all.sort((a, b) => Number(b.element.dataset.load ?? 0) - Number(a.element.dataset.load ?? 0))
    const hits = (box: DOMRect): boolean =>
      kept.some((k) => box.left < k.right && box.right > k.left && box.top < k.bottom && box.bottom > k.top)
    for (const { element } of all) {
      let box = element.getBoundingClientRect()
      if (hits(box)) {
        element.classList.add('is-thin')
        box = element.getBoundingClientRect()
        if (hits(box)) {
          element.classList.add('is-hidden')
          continue
        }
      }
      kept.push(box)
    }
  }

  /** Areas without a boundary of their own cannot be clicked on the map: they stand beside it. */
  private showChips(data: CockpitData): void {
    const list = part('[data-chips]')
    if (!list) return
    this.chips.clear()
    const bare = data.children.filter((child) => !this.labels.has(child.code))
    list.replaceChildren(
      ...bare.map((child) => {
        const row = make('li')
        const button = make('button', '', child.short || child.name)
        const value = make('b')
        button.type = 'button'
        button.disabled = !data.drill
        button.append(value)
        button.addEventListener('click', () => this.open(child.code))
        this.chips.set(child.code, value)
        row.append(button)
        return row
      }),
    )
    list.hidden = bare.length === 0
    list.classList.toggle('is-many', bare.length > 8)
  }

  /** No WebGL: the areas as a list that does the same. */
  private fallback(data: CockpitData): void {
    const list = make('ul', 'map-list')
    list.append(make('li', 'cp-none', say('no_map')))
    for (const child of data.children as AreaRow[]) {
      const row = make('li')
      const button = make('button', '', child.name)
      button.type = 'button'
      button.disabled = !data.drill
      button.addEventListener('click', () => this.open(child.code))
      row.append(button)
      list.append(row)
    }
    this.place.replaceChildren(list)
  }
}

