/** The cockpit: draws once from the server, then follows the events. */

import { getHtml, getJson, HttpError } from '../core/http'
import { LiveConnection, type Clocked, type Connection, type LiveEvent } from '../core/live'
import { startToasts, toastSentence } from '../core/toasts'
import type { CockpitData } from './data'

import { make, part } from './dom'
import { drawAsOf, drawFigures, drawLate } from './figures'
import { dayWords, hourMinuteSecond } from './format'
import { addEvent, drawAlerts, drawCategories, drawEvents, drawUnits } from './lists'
import { CockpitMap, LAYERS } from './map'
import { startRest } from './rest'
import { apply, emptyState, fromSnapshot, type CockpitState } from './state'
import { moveTrend, resizeTrend, showTrend } from './trend'

const SLOW_MS = 5 * 60_000 // names, scores and series that no event carries
const CHILD_FIGURES = new Set(Object.values(LAYERS))

class Cockpit {
  private readonly root: HTMLElement
  private readonly map: CockpitMap
  private readonly live: LiveConnection
  private state: CockpitState
  private data: CockpitData | null = null
  private clocked: Clocked = {}
  private frame = 0
  private later = 0
  private known = 0

  constructor(root: HTMLElement) {
    this.root = root
    this.state = emptyState(root.dataset.area ?? '')
    this.map = new CockpitMap(part('[data-map]') as HTMLElement, root.dataset.areasUrl ?? '', (code) => this.go(code))
    this.live = new LiveConnection(this.state.area, true, {
      snapshot: (snapshot) => {
        this.state = fromSnapshot(snapshot)
        this.known = Date.now()
        this.draw()
      },
      event: (event) => this.hear(event),
      tick: (tick) => {
        this.known = Date.now()
        if (tick.clocked) this.clocked = tick.clocked
        this.draw()
      },
      connection: (state) => this.showConnection(state),
    })
    const first = part<HTMLButtonElement>('[data-layer]')?.dataset.layer
    if (first) this.map.setLayer(first)
    this.wire()
    void this.load().then(() => this.live.open())
    window.setInterval(() => void this.load(true), SLOW_MS)
    window.setInterval(() => this.showClock(), 1000)
    this.showClock()
  }

  private wire(): void {
    for (const button of document.querySelectorAll<HTMLButtonElement>('[data-layer]')) {
      button.addEventListener('click', () => this.setLayer(button.dataset.layer ?? 'orders'))
    }
    for (const button of document.querySelectorAll<HTMLButtonElement>('[data-tab]')) {
      button.addEventListener('click', () => this.setTab(button.dataset.tab ?? 'overview'))
    }
    document.addEventListener('click', (event) => {
      const tile = (event.target as Element).closest<HTMLElement>('[data-passport]')
      if (tile?.dataset.passport) void this.openPassport(tile.dataset.passport)
    })
    part('[data-passport-close]')?.addEventListener('click', () => this.closePassport())
    part('[data-up]')?.addEventListener('click', () => {
      const above = this.data?.path.at(-2)
      if (above?.open) this.go(above.code)
    })
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.closePassport()
    })
    window.addEventListener('popstate', () => {
      const area = new URLSearchParams(location.search).get('area') ?? this.root.dataset.area ?? ''
      this.go(area, false)
    })
    let resizing = 0
    window.addEventListener('resize', () => {
      window.clearTimeout(resizing)
      resizing = window.setTimeout(() => {
        resizeTrend()
        this.map.fit(false)
      }, 150)
    })
    startRest(Object.keys(LAYERS).filter((layer) => part(`[data-layer="${layer}"]`)), (layer) => this.setLayer(layer))
  }

  /** Look at another area; the address follows, so that it can be kept and sent. */
  go(code: string, remember = true): void {
    if (!code || code === this.state.area) return
    this.state = emptyState(code)
    this.clocked = {}
    if (remember) history.pushState({}, '', `?area=${encodeURIComponent(code)}`)
    this.closePassport()
    void this.load().then(() => this.live.watch(code))
  }

  private async load(background = false): Promise<void> {
    const area = this.state.area
    try {
      const data = await getJson<CockpitData>(`${this.root.dataset.dataUrl}?area=${encodeURIComponent(area)}`, undefined, background)
      if (area !== this.state.area) return
      const moved = this.data?.area.code !== data.area.code
      this.data = data
      this.drawPath(data)
      drawEvents(data.events)
      drawAlerts(data.alerts)
      drawUnits(data.units)
      showTrend(data.trend, this.state.figures['tickets.taken'] ?? data.trend.taken.at(-1) ?? 0)
      if (moved) await this.map.show(data)
      else this.map.showAlerts(data.alerts, true)
      this.draw()
    } catch (error) {
      if (error instanceof HttpError && (error.status === 403 || error.status === 404)) toastSentence('gone')
    }
  }

  private hear(event: LiveEvent): void {
    apply(this.state, event, CHILD_FIGURES)
    this.known = Date.now()
    if (event.area.startsWith(this.state.area)) addEvent(event)
    if (event.kind === 'alerts.alert.moved' || event.deltas.some((delta) => delta.figure.startsWith('orders.handled'))) {
      // Lists that an event does not carry whole are asked for again, once for many events.
      window.clearTimeout(this.later)
      this.later = window.setTimeout(() => void this.load(true), 400)
    }
    this.draw()
  }

  /** At most once per frame, however many events came. */
  private draw(): void {
    if (this.frame) return
    this.frame = window.requestAnimationFrame(() => {
      this.frame = 0
      drawFigures(this.state, this.clocked)
      drawLate(this.clocked)
      if (this.known) drawAsOf(new Date(this.known))
      if (!this.data || this.data.area.code !== this.state.area || !this.state.position) return
      drawCategories(this.state, this.data)
      moveTrend(this.state.figures['tickets.taken'] ?? 0)
      this.map.colour(this.state)
      this.root.dataset.position = String(this.state.position)
    })
  }

  private drawPath(data: CockpitData): void {
    const place = part('[data-path]')
    const steps = data.path.flatMap((step, n) => {
      const here = n === data.path.length - 1
      const element = here || !step.open ? make('span', here ? 'is-here' : '', step.name) : make('button', '', step.name)
      if (element instanceof HTMLButtonElement) {
        element.type = 'button'
        element.addEventListener('click', () => this.go(step.code))
      }
      if (here) element.setAttribute('aria-current', 'location')
      return n ? [make('i', '', '›'), element] : [element]
    })
    place?.replaceChildren(...steps)
    const above = data.path.at(-2)
    const up = part<HTMLButtonElement>('[data-up]')
    if (up) up.hidden = !above?.open
    const words = part('[data-up-words]')
    if (words && above) words.textContent = above.name
  }

  private setLayer(layer: string): void {
    for (const button of document.querySelectorAll<HTMLButtonElement>('[data-layer]')) {
      button.setAttribute('aria-pressed', String(button.dataset.layer === layer))
    }
    this.map.setLayer(layer)
  }

  private setTab(tab: string): void {
    for (const button of document.querySelectorAll<HTMLButtonElement>('[data-tab]')) {
      button.setAttribute('aria-pressed', String(button.dataset.tab === tab))
    }
    const body = part('[data-shown-tab]')
    if (body) body.dataset.shownTab = tab
    if (tab === 'map') this.map.fit(false)
    if (tab === 'overview') resizeTrend()
  }

  private async openPassport(key: string): Promise<void> {
    const panel = part('[data-passport-panel]')
    const body = part('[data-passport-body]')
    if (!panel || !body) return
    const url = (this.root.dataset.passportUrl ?? '').replace('KEY', encodeURIComponent(key))
    try {
      const html = await getHtml(`${url}?area=${encodeURIComponent(this.state.area)}`)
      body.replaceChildren(document.createRange().createContextualFragment(html))
      panel.hidden = false
      panel.focus()
    } catch {
      toastSentence('error')
    }
  }

  private closePassport(): void {
    const panel = part('[data-passport-panel]')
    if (panel) panel.hidden = true
  }

  private showConnection(state: Connection): void {
    const place = part('[data-connection]')
    if (!place) return
    place.dataset.state = state
    const words = part('[data-connection-words]')
    if (words) {
      words.textContent = { on: place.dataset.on, off: place.dataset.off, connecting: place.dataset.wait }[state] ?? ''
    }
    this.root.classList.toggle('is-cut', state === 'off')
  }

  private showClock(): void {
    const now = new Date()
    const day = part('[data-clock-day]')
    const time = part('[data-clock-time]')
    if (day) day.textContent = dayWords(now)
    if (time) time.textContent = hourMinuteSecond(now)
  }
}

export function startCockpit(): void {
  startToasts()
  const root = document.getElementById('cockpit')
  if (root) new Cockpit(root)
  else toastSentence('error')
}

