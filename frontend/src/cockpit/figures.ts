/** The tiles: values from the state, as-of times, hatching when a source is late. */

import type { Clocked } from '../core/live'
import { make, part } from './dom'
import { big, exact, hourMinute, percent } from './format'
import { say } from './data'
import type { CockpitState } from './state'

function show(tile: HTMLElement, text: string, hover: string): void {
  const place = tile.querySelector<HTMLElement>('[data-value]')
  if (!place || place.textContent === text) return
  const first = place.textContent === '—'
  place.textContent = text
  tile.title = hover
  if (first) return
  // A figure that moved says so once, quietly.
  tile.classList.remove('moved')
  void tile.offsetWidth
  tile.classList.add('moved')
}

export function drawFigures(state: CockpitState, clocked: Clocked): void {
  for (const tile of document.querySelectorAll<HTMLElement>('[data-figure]')) {
    const parts = (tile.dataset.parts ?? '').split('/')
    if (tile.dataset.rate !== undefined) {
      const top = state.figures[parts[0] ?? ''] ?? 0
      const rest = state.figures[parts[1] ?? ''] ?? 0
      // "Answered at once" is a share of answered and dispatched; the others name their whole.
      const whole = tile.dataset.figure === 'tickets.direct' ? top + rest : rest
      const rate = percent(top, whole)
      show(tile, rate ?? '—', rate === null ? say('none_yet') : `${exact(top)} ÷ ${exact(whole)}`)
      tile.classList.toggle('is-empty', rate === null)
    } else if (tile.dataset.figure === 'data.late') {
      const late = clocked['data.late']
      if (late) show(tile, exact(late.length), late.join('、'))
    } else if (tile.dataset.figure === 'orders.overdue') {
      const overdue = clocked['orders.overdue']
      if (overdue !== undefined) {
        show(tile, big(overdue), exact(overdue))
        tile.toggleAttribute('data-zero', overdue === 0)
      }
    } else {
      const value = state.figures[parts[0] ?? ''] ?? 0
      show(tile, big(value), exact(value))
    }
  }
}

export function drawAsOf(at: Date): void {
  for (const place of document.querySelectorAll<HTMLElement>('[data-as-of]')) {
    place.textContent = say('as_of', { time: hourMinute(at) })
  }
}

/** A late source hatches the tile and says which. */
export function drawLate(clocked: Clocked): void {
  const late = clocked['data.late'] ?? []
  const note = part('[data-late]')
  const panel = note?.closest('[data-panel]')
  if (!note || !panel) return
  panel.classList.toggle('is-late', late.length > 0)
  note.hidden = late.length === 0
  note.replaceChildren()
  if (late.length) {
    note.append(make('b', '', say('late_sources')), ` ${late.slice(0, 3).join('、')}`)
    if (late.length > 3) note.append(` ${say('and_more', { n: late.length - 3 })}`)
  }
}
