/** One ticket: the chooser of units, again after each exchange. */

import { startPickers } from './hotline_picker'

export function start(): void {
  startPickers()
  document.addEventListener('htmx:after:swap', () => startPickers())
}
