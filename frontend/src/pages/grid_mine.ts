/** Own reports: also says what still waits on this phone. */

import { waiting } from './grid_queue'

export function start(): void {
  const box = document.querySelector<HTMLElement>('[data-queue]')
  const user = document.body.dataset.user ?? ''
  if (!box) return
  void waiting()
    .then((all) => {
      const mine = all.filter((report) => report.user === user).length
      box.hidden = mine === 0
      const said = box.querySelector('[data-queue-words]')
      if (said) said.textContent = (box.dataset.wordsWaiting ?? '').replace('%s', String(mine))
    })
    .catch(() => undefined)
}
