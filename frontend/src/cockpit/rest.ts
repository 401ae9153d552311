/** A wall that nobody touches shows its map layers in turn; the first touch gives it back. */

const ALONE_MS = 3 * 60_000
const TURN_MS = 40_000

export function startRest(layers: string[], show: (layer: string) => void): void {
  let touched = Date.now()
  let turn = 0
  let resting = false
  const touch = (): void => {
    touched = Date.now()
    if (resting) {
      resting = false
      turn = 0
      show(layers[0] ?? 'orders')
    }
  }
  for (const name of ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const) {
    window.addEventListener(name, touch, { passive: true })
  }
  window.setInterval(() => {
    if (layers.length < 2 || Date.now() - touched < ALONE_MS || window.innerWidth < 900) return
    resting = true
    turn = (turn + 1) % layers.length
    show(layers[turn] as string)
  }, TURN_MS)
}
