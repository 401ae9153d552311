/** What the server answers beside the live figures: names, series, lists. Shaped in dashboards/cockpit.py. */

import type { Line } from '../core/live'

export type AreaRow = { code: string; name: string; short: string; level: string }
export type Category = { code: string; figure: string; name: string; n: number; yesterday: number; week: number }
export type Unit = { code: string; name: string; score: number; sample: number; place: number }
export type OpenAlert = {
  id: number
  ref: string
  href: string
  title: string
  where: string
  level: number
  level_name: string
  at: string
  since: string
  point: [number, number] | null
}
export type EventRow = { position: number; at: string; line: Line }
export type CockpitData = {
  area: AreaRow
  path: (AreaRow & { open: boolean })[]
  children: AreaRow[]
  drill: boolean
  demo_boundaries: boolean
  has_map: boolean
  trend: { days: string[]; taken: (number | null)[]; closed: (number | null)[]; last_year: (number | null)[] }
  categories: Category[]
  category_names: Record<string, string>
  units: { best: Unit[]; worst: Unit[]; left_out: number; minimum: number; period: string } | null
  alerts: OpenAlert[]
  events: EventRow[]
  at: string
}
export type Words = Record<string, string>

export const words: Words = JSON.parse(document.getElementById('cockpit-words')?.textContent ?? '{}') as Words

export const say = (key: string, values: Record<string, string | number> = {}): string =>
  (words[key] ?? key).replace(/\{(\w+)\}/g, (_whole, name: string) => String(values[name] ?? ''))
