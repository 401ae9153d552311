/**
 * The map of devices: one point each where a tile can carry them, rings with a number where the server counted.
 *
 * Nothing leaves the machine: boundaries and devices are tiles of our own server, numbers are drawn here.
 */

import { Map as LibreMap, NavigationControl, setWorkerUrl, type MapLayerMouseEvent, type StyleSpecification } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import 'maplibre-gl/dist/maplibre-gl.css'
import { getHtml } from '../core/http'

const COLOURS: Record<string, string> = { online: '#2a9d63', offline: '#d98200', fault: '#d2353b', suspended: '#8b97a6' }
const PLACE_KEY = 'device-map-place'
const REFRESH_MS = 60_000

/** "/tiles/devices/1/2/3.mvt" as the address of any tile. */
function tilesOf(sample: string, query = ''): string {
  const path = sample.replace('/1/2/3.mvt', '/{z}/{x}/{y}.mvt')
  return `${location.origin}${path}${query ? `?${query}` : ''}`
}

function style(place: HTMLElement): StyleSpecification {
  const areas = tilesOf(place.dataset.areas ?? '')
  const devices = tilesOf(place.dataset.tiles ?? '', place.dataset.query)
  return {
    version: 8,
    sources: {
      areas: { type: 'vector', tiles: [areas], maxzoom: 14 },
      devices: { type: 'vector', tiles: [devices], maxzoom: 18 },
    },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': '#eef2f6' } },
      { id: 'areas', type: 'fill', source: 'areas', 'source-layer': 'areas', paint: { 'fill-color': '#ffffff' } },
      { id: 'borders', type: 'line', source: 'areas', 'source-layer': 'areas', paint: { 'line-color': '#b9c6d6', 'line-width': 1 } },
      {
        id: 'points',
        type: 'symbol',
        source: 'devices',
        'source-layer': 'devices',
        filter: ['!', ['has', 'n']],
        layout: {
          'icon-image': ['concat', 'dot-', ['get', 'state']],
          'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.5, 14, 0.9, 17, 1.3],
          'icon-allow-overlap': true,
          'symbol-sort-key': ['match', ['get', 'state'], 'fault', 2, 'offline', 1, 0],
        },
      },
      {
        id: 'rings',
        type: 'symbol',
        source: 'devices',
        'source-layer': 'devices',
        filter: ['has', 'n'],
        layout: {
          'icon-image': [
            'concat', 'ring-', ['to-string', ['get', 'n']], '-', ['to-string', ['get', 'online']], '-',
            ['to-string', ['get', 'offline']], '-', ['to-string', ['get', 'fault']],
          ],
          'icon-allow-overlap': true,
          'symbol-sort-key': ['get', 'n'],
        },
      },
    ],
  }
}

/** 12300 as a person reads it in a small circle. */
function short(n: number): string {
  if (n < 10_000) return String(n)
  return document.body.dataset.lang?.startsWith('zh') ? `${(n / 10_000).toFixed(1)}万` : `${Math.round(n / 1000)}k`
}

type Picture = { width: number; height: number; data: Uint8ClampedArray }

/** A device by its state: disc, square or triangle, so that it can be told without its colour. */
function dot(state: string): Picture | null {
  const side = 32
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = side
  const pen = canvas.getContext('2d')
  if (!pen) return null
  pen.beginPath()
  if (state === 'fault') {
    pen.moveTo(16, 4)
    pen.lineTo(29, 27)
    pen.lineTo(3, 27)
    pen.closePath()
  } else if (state === 'offline') pen.rect(6, 6, 20, 20)
  else pen.arc(16, 16, 11, 0, 2 * Math.PI)
  pen.fillStyle = COLOURS[state] ?? '#8b97a6'
  pen.fill()
  pen.lineWidth = 3
  pen.strokeStyle = '#ffffff'
  pen.stroke()
  return { width: side, height: side, data: pen.getImageData(0, 0, side, side).data }
}

/** A ring of the states' shares around the number. */
function ring(name: string): Picture | null {
  const [, total, online, offline, fault] = name.split('-').map(Number)
  if (!total) return null
  const side = Math.round(2 * (26 + 7 * Math.log10(total)))
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = side
  const pen = canvas.getContext('2d')
  if (!pen) return null
  const middle = side / 2
  const reach = middle - 6
  pen.beginPath()
  pen.arc(middle, middle, middle - 2, 0, 2 * Math.PI)
  pen.fillStyle = '#ffffff'
  pen.fill()
  let from = -Math.PI / 2
  const rest = total - (online ?? 0) - (offline ?? 0) - (fault ?? 0)
  const shares: [string, number][] = [['online', online ?? 0], ['offline', offline ?? 0], ['fault', fault ?? 0], ['suspended', rest]]
  for (const [state, n] of shares) {
    if (n <= 0) continue
    const to = from + (2 * Math.PI * n) / total
    pen.beginPath()
    pen.arc(middle, middle, reach, from, to)
    pen.lineWidth = 7
    pen.strokeStyle = COLOURS[state] ?? '#8b97a6'
    pen.stroke()
    from = to
  }
  pen.fillStyle = '#1b2635'
  pen.font = `600 ${Math.round(side * 0.27)}px system-ui, sans-serif`
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  pen.fillText(short(total), middle, middle + 1)
  const picture = pen.getImageData(0, 0, side, side)
  return { width: side, height: side, data: picture.data }
}

function remembered(): { center: [number, number]; zoom: number } {
  try {
    const kept = JSON.parse(sessionStorage.getItem(PLACE_KEY) ?? '') as { center: [number, number]; zoom: number }
    if (Number.isFinite(kept.zoom)) return kept
  } catch {
    /* none kept */
  }
  return { center: [121.05, 32.15], zoom: 8.4 }
}

export function start(): void {
  const place = document.querySelector<HTMLElement>('[data-device-map]')
  const card = document.querySelector<HTMLElement>('[data-device-card]')
  const body = card?.querySelector<HTMLElement>('[data-card-body]')
  if (!place || !card || !body) return
  // A module worker from our own origin: the content policy allows no blob workers.
  setWorkerUrl(new URL(workerUrl, import.meta.url).href)
  let map: LibreMap
  try {
    map = new LibreMap({
      container: place,
      style: style(place),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      renderWorldCopies: false,
      fadeDuration: 0,
      minZoom: 5,
      maxZoom: 18,
      ...remembered(),
    })
  } catch {
    place.textContent = place.dataset.none ?? ''
    return
  }
  map.touchZoomRotate.disableRotation()
  map.addControl(new NavigationControl({ showCompass: false }), 'top-left')
  map.setMissingStyleImageResolver((id) => {
    if (map.hasImage(id)) return
    const picture = id.startsWith('ring-') ? ring(id) : id.startsWith('dot-') ? dot(id.slice(4)) : null
    if (picture) map.addImage(id, picture, { pixelRatio: 2 })
  })
  map.on('moveend', () => {
    const { lng, lat } = map.getCenter()
    sessionStorage.setItem(PLACE_KEY, JSON.stringify({ center: [lng, lat], zoom: map.getZoom() }))
  })
  map.on('click', 'rings', (event: MapLayerMouseEvent) => {
    map.easeTo({ center: event.lngLat, zoom: Math.min(18, map.getZoom() + 2) })
  })
  map.on('click', 'points', (event: MapLayerMouseEvent) => {
    const id = event.features?.[0]?.id
    if (id !== undefined) void show(String(id))
  })
  for (const layer of ['rings', 'points']) {
    map.on('mouseenter', layer, () => (map.getCanvas().style.cursor = 'pointer'))
    map.on('mouseleave', layer, () => (map.getCanvas().style.cursor = ''))
  }
  map.on('idle', () => (place.dataset.ready = '1'))

  async function show(id: string): Promise<void> {
    if (!place || !card || !body) return
    const html = await getHtml((place.dataset.card ?? '').replace('/0/card/', `/${id}/card/`))
    body.innerHTML = html
    card.hidden = false
    card.focus({ preventScroll: true })
  }
  const close = (): void => {
    card.hidden = true
  }
  card.querySelector('[data-card-close]')?.addEventListener('click', close)
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close()
  })

  // News of devices: the tiles in sight are fetched again, at most once in a while.
  let due = 0
  const refresh = (): void => {
    if (document.hidden || Date.now() < due) return
    due = Date.now() + 5_000
    const source = map.getSource('devices') as { setTiles?: (tiles: string[]) => void } | undefined
    source?.setTiles?.([`${tilesOf(place.dataset.tiles ?? '', place.dataset.query)}${place.dataset.query ? '&' : '?'}at=${due}`])
  }
  document.body.addEventListener('live:datahub.device.moved', refresh)
  document.body.addEventListener('live:datahub.fault.moved', refresh)
  window.setInterval(refresh, REFRESH_MS)
}
