/** The order page: it follows the order's own moves, and never throws away what somebody is typing. */

import type { LiveEvent } from '../core/live'

const REFRESH_MS = 60_000

function typed(place: HTMLElement): boolean {
  return [...place.querySelectorAll<HTMLTextAreaElement | HTMLInputElement>('textarea, input:not([type=hidden])')].some(
    (field) => field.value !== field.defaultValue,
  )
}

function refresh(name: string): void {
  document.getElementById(name)?.dispatchEvent(new CustomEvent('order-moved'))
}

export function start(): void {
  const page = document.querySelector<HTMLElement>('[data-order]')
  const steps = document.getElementById('steps')
  const changed = document.querySelector<HTMLElement>('[data-order-changed]')
  if (!page || !steps) return

  document.body.addEventListener('live:dispatch.order.moved', (event) => {
    const { body } = (event as CustomEvent<LiveEvent>).detail
    if (String(body.order_id) !== page.dataset.order) return
    refresh('timeline')
    if (typed(steps)) changed?.removeAttribute('hidden')
    else refresh('steps')
  })
  document.body.addEventListener('live:joined', () => {
    refresh('timeline')
    if (!typed(steps)) refresh('steps')
  })
  // The words of the clock grow old.
  window.setInterval(() => {
    if (!document.hidden && !typed(steps) && !steps.querySelector('details[open]')) refresh('steps')
  }, REFRESH_MS)
  document.querySelector('[data-print]')?.addEventListener('click', () => window.print())
}
