/** Entry of every page but the cockpit: styles, htmx, live news, keyboard, toasts, and the page's own module. */

import './styles/workbench.css'
import '@tabler/core/dist/js/tabler.esm.min.js'
import { startHypermedia } from './core/hypermedia'
import { startKeys } from './core/keys'
import { LiveConnection, type Connection } from './core/live'
import { startPage } from './core/pages'
import { listenForToasts, startToasts } from './core/toasts'

// Styles of single pages: every app keeps its own file in styles/pages/.
import.meta.glob('./styles/pages/*.css', { eager: true })

function showConnection(state: Connection): void {
  // What happened between drawing the page and joining is not told again: a page that lists things asks anew.
  if (state === 'on') document.body.dispatchEvent(new CustomEvent('live:joined'))
  for (const dot of document.querySelectorAll<HTMLElement>('[data-live-dot]')) {
    const words = { on: dot.dataset.on, off: dot.dataset.off, connecting: dot.dataset.wait }[state] ?? ''
    dot.dataset.state = state
    dot.title = words
    const text = dot.querySelector('[data-live-words]')
    if (text) text.textContent = words
  }
}

function startFrame(): void {
  const toggle = document.querySelector<HTMLElement>('[data-toggle-nav]')
  toggle?.addEventListener('click', () => {
    const open = document.body.classList.toggle('nav-open')
    toggle.setAttribute('aria-expanded', String(open))
  })
  // A menu closes when one clicks elsewhere or presses Escape.
  document.addEventListener('click', (event) => {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>('details[data-menu][open]')) {
      if (!menu.contains(event.target as Node)) menu.open = false
    }
  })
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    for (const menu of document.querySelectorAll<HTMLDetailsElement>('details[data-menu][open]')) menu.open = false
  })
  // data-submit-on-change: filters that apply at once.
  document.addEventListener('change', (event) => {
    const field = event.target as HTMLElement
    if (field.matches('[data-submit-on-change]')) field.closest('form')?.requestSubmit()
  })
}

startHypermedia()
startToasts()
listenForToasts()
startKeys()
startFrame()
void startPage()

if (document.body.dataset.live) {
  new LiveConnection(document.body.dataset.watch ?? '', false, { connection: showConnection }).open()
}
