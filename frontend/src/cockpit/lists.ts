/** The lists: categories, open alerts, units, live events. */

import type { LiveEvent } from '../core/live'
import type { Category, CockpitData, EventRow, OpenAlert, Unit } from './data'
import { say } from './data'
import { bar, make, part } from './dom'
import { exact, fullTime, shortTime } from './format'
import type { CockpitState } from './state'

const MOST_EVENTS = 40

function change(now: number, before: number): HTMLElement {
  const difference = now - before
  const tone = difference > 0 ? 'up' : difference < 0 ? 'down' : 'same'
  const sign = difference > 0 ? '▲' : difference < 0 ? '▼' : '–'
  const cell = make('span', `change change-${tone}`, difference === 0 ? sign : `${sign}${exact(Math.abs(difference))}`)
  cell.title = `${exact(before)} → ${exact(now)}`
  return cell
}

/** Today's categories from the live figures, the days before from the server. */
export function drawCategories(state: CockpitState, data: CockpitData): void {
  const list = part<HTMLOListElement>('[data-cats]')
  if (!list) return
  const before = new Map<string, Category>(data.categories.map((row) => [row.figure, row]))
  const rows = Object.entries(state.figures)
    .filter(([figure, n]) => figure.startsWith('tickets.cat.') && n > 0)
    .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
    .slice(0, 10)
  const most = rows[0]?.[1] ?? 1
  if (!rows.length) {
    list.replaceChildren(make('li', 'cp-none', say('no_categories')))
    return
  }
  list.replaceChildren(
    ...rows.map(([figure, n]) => {
      const known = before.get(figure)
      const code = figure.slice('tickets.cat.'.length)
      const row = make('li', 'cat')
      const name = make('span', 'cat-name', known?.name ?? data.category_names[code] ?? code)
      row.append(name, make('b', 'cat-n', exact(n)))
      row.append(change(n, known?.yesterday ?? 0), change(n, known?.week ?? 0), bar((100 * n) / most))
      return row
    }),
  )
}

export function drawAlerts(alerts: OpenAlert[]): void {
  const list = part<HTMLOListElement>('[data-alerts]')
  if (!list) return
  if (!alerts.length) {
    list.replaceChildren(make('li', 'cp-none', say('no_alerts')))
    return
  }
  list.replaceChildren(
    ...alerts.slice(0, 9).map((alert) => {
      const row = make('li', `alert-row level-row-${alert.level}`)
      const link = make('a', 'alert-link')
      link.href = alert.href
      link.dataset.test = 'open-alert'
      const shape = make('i', 'level-shape')
      shape.title = alert.level_name
      const words = make('span', 'alert-title', alert.title)
      words.append(make('small', '', `${alert.level_name} · ${alert.where}`))
      link.append(shape, words, make('time', '', alert.since))
      link.title = `${alert.level_name} · ${alert.title} · ${alert.where}`
      row.append(link)
      return row
    }),
  )
}

function unitRow(unit: Unit, tone: string): HTMLElement {
  const row = make('li', `unit unit-${tone}`)
  row.append(make('span', 'unit-place', String(unit.place)), make('span', 'unit-name', unit.name))
  row.append(make('b', 'unit-score', unit.score.toFixed(1)), make('small', '', say('sample', { n: exact(unit.sample) })))
  row.title = unit.name
  return row
}

export function drawUnits(units: CockpitData['units']): void {
  const place = part('[data-units]')
  if (!place) return
  place.replaceChildren()
  if (!units || !units.best.length) {
    place.append(make('p', 'cp-none', units?.left_out ? say('no_units', { n: units.minimum }) : say('no_units_here')))
    return
  }
  for (const [key, rows, tone] of [
    ['best', units.best, 'good'],
    ['worst', units.worst, 'bad'],
  ] as const) {
    if (!rows.length) continue
    const list = make('ol', 'unit-list')
    list.append(...rows.map((unit) => unitRow(unit, tone)))
    place.append(make('h3', '', say(key)), list)
  }
  const note = say('units_note', { period: units.period, minimum: units.minimum, n: units.left_out })
  place.append(make('p', 'units-note', note))
}

function eventRow(event: EventRow): HTMLLIElement {
  const row = make('li', `event event-${event.line.tone}`)
  row.dataset.position = String(event.position)
  row.dataset.test = 'live-event'
  row.dataset.ref = event.line.ref
  const at = new Date(event.at)
  const link = make('a', 'event-link')
  link.href = event.line.href
  const time = make('time', '', shortTime(at))
  time.title = fullTime(at)
  const verb = make('span', 'event-verb')
  verb.append(make('i', event.line.level ? `level-shape level-shape-${event.line.level}` : 'event-mark'))
  verb.append(event.line.verb)
  link.append(time, verb, make('span', 'event-title', event.line.title), make('span', 'event-where', event.line.where))
  link.title = `${event.line.verb} · ${event.line.title} · ${event.line.where}`
  row.append(link)
  return row
}

export function drawEvents(events: EventRow[]): void {
  const list = part<HTMLOListElement>('[data-events]')
  if (!list) return
  if (!events.length) list.replaceChildren(make('li', 'cp-none', say('no_events')))
  else list.replaceChildren(...events.slice(0, MOST_EVENTS).map(eventRow))
}

export function addEvent(event: LiveEvent): void {
  const list = part<HTMLOListElement>('[data-events]')
  if (!list || !event.line) return
  if (list.querySelector(`[data-position="${event.position}"]`)) return
  list.querySelector('.cp-none')?.remove()
  const row = eventRow({ position: event.position, at: event.at, line: event.line })
  row.classList.add('is-new')
  list.prepend(row)
  while (list.children.length > MOST_EVENTS) list.lastElementChild?.remove()
}
