/** What the cockpit knows, and the two ways it changes: a snapshot replaces, an event adds. */

import type { Figures, LiveEvent, Snapshot } from '../core/live'

export type CockpitState = {
  area: string
  day: string
  position: number
  figures: Figures
  children: Record<string, Figures>
}

export const emptyState = (area: string): CockpitState => ({
  area,
  day: '',
  position: 0,
  figures: {},
  children: {},
})

export function fromSnapshot(snapshot: Snapshot): CockpitState {
  return {
    area: snapshot.area,
    day: snapshot.day,
    position: snapshot.position,
    figures: { ...snapshot.figures },
    children: Object.fromEntries(Object.entries(snapshot.children).map(([code, figures]) => [code, { ...figures }])),
  }
}

/**
 * An old snapshot plus its events equals a fresh one. The server's test applies the same rule:
 * figures[key] += n for the area on screen and for the area below it in which the event happened.
 */
export function apply(state: CockpitState, event: LiveEvent, childFigures: ReadonlySet<string>): void {
  state.position = event.position
  if (!event.area.startsWith(state.area)) return
  const below = Object.keys(state.children).find((code) => event.area.startsWith(code))
  for (const delta of event.deltas) {
    if (delta.day !== '' && delta.day !== state.day) continue
    state.figures[delta.figure] = (state.figures[delta.figure] ?? 0) + delta.n
    if (below !== undefined && childFigures.has(delta.figure)) {
      const child = (state.children[below] ??= {})
      child[delta.figure] = (child[delta.figure] ?? 0) + delta.n
    }
  }
}
