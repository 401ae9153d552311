/** The grid worker's phone page: photo, place, kind, send; three taps, with or without net. */

import { toast } from '../core/toasts'
import { shrink } from './grid_photo'
import { drop, keep, post, remember, waiting, whoami, type Waiting } from './grid_queue'

const RETRY_MS = 20_000

type Spot = { lon: number; lat: number; accuracy: number }

function words(form: HTMLElement, name: string, value = ''): string {
  return (form.dataset[name] ?? '').replace('%s', value)
}

class ReportPage {
  private readonly form: HTMLFormElement
  private readonly user: string
  private photo: Blob | null = null
  private shrinking: Promise<void> = Promise.resolve()
  private sending = false

  constructor(form: HTMLFormElement) {
    this.form = form
    this.user = document.body.dataset.user ?? ''
  }

  start(): void {
    this.form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.submit()
    })
    this.one<HTMLInputElement>('[data-photo]')?.addEventListener('change', () => {
      this.shrinking = this.takePhoto()
    })
    this.one('[data-place-again]')?.addEventListener('click', () => this.locate())
    this.one<HTMLInputElement>('[data-solved]')?.addEventListener('change', (event) => {
      const note = this.one<HTMLElement>('[data-solved-note]')
      if (note) note.hidden = !(event.target as HTMLInputElement).checked
    })
    this.one<HTMLInputElement>('[data-kind-search]')?.addEventListener('input', (event) => {
      this.filterKinds((event.target as HTMLInputElement).value.trim().toLowerCase())
    })
    this.one('[data-queue-send]')?.addEventListener('click', () => void this.flush(true))
    window.addEventListener('online', () => void this.flush())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) void this.flush()
    })
    window.setInterval(() => void this.flush(), RETRY_MS)
    this.locate()
    void this.guard()
    void this.flush()
  }

  private one<T extends Element = HTMLElement>(selector: string): T | null {
    return this.form.querySelector<T>(selector)
  }

  private set(name: string, value: string): void {
    const field = this.form.elements.namedItem(name)
    if (field instanceof HTMLInputElement) field.value = value
  }

  /** The service worker keeps this page openable without net. */
  private async guard(): Promise<void> {
    if (!('serviceWorker' in navigator)) return
    const { workerUrl, scope } = this.form.dataset
    if (!workerUrl || !scope) return
    try {
      await navigator.serviceWorker.register(workerUrl, { scope })
      // Modules that this page loaded before the worker was there.
      const cache = await caches.open('grid-1')
      const files = performance.getEntriesByType('resource').map(({ name }) => name.split('#')[0] as string)
      const built = [...new Set(files)].filter((file) => new URL(file).pathname.startsWith('/static/'))
      await Promise.all(built.map(async (file) => (await cache.match(file)) ?? cache.add(file)))
      await navigator.storage?.persist?.()
    } catch {
      // Without it the queue still works while the page is open.
    }
  }

  private locate(): void {
    if (!navigator.geolocation) {
      this.noPlace('wordsRefused')
      return
    }
    this.showPlace('looking', words(this.form, 'wordsLocating'))
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => void this.found({ lon: coords.longitude, lat: coords.latitude, accuracy: coords.accuracy }),
      () => this.noPlace('wordsRefused'),
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
    )
  }

  private async found(spot: Spot): Promise<void> {
    this.set('lon', spot.lon.toFixed(7))
    this.set('lat', spot.lat.toFixed(7))
    this.set('accuracy_m', spot.accuracy.toFixed(1))
    const within = words(this.form, 'wordsFound', String(Math.round(spot.accuracy)))
    this.showPlace('found', within)
    try {
      const answer = await fetch(`${this.form.dataset.whereUrl}?lon=${spot.lon}&lat=${spot.lat}`, { credentials: 'same-origin' })
      if (!answer.ok || answer.redirected) return
      const { name } = (await answer.json()) as { name: string }
      if (name) this.showPlace('found', `${name} (${within})`)
      else this.noPlace('wordsOutside')
    } catch {
      // Offline: the point itself is enough, the server finds the area.
    }
  }

  private noPlace(why: 'wordsRefused' | 'wordsOutside'): void {
    for (const name of ['lon', 'lat', 'accuracy_m']) this.set(name, '')
    this.showPlace('refused', words(this.form, why))
  }

  private showPlace(state: string, text: string): void {
    const line = this.one<HTMLElement>('[data-place]')
    if (line) line.dataset.state = state
    const said = this.one('[data-place-words]')
    if (said) said.textContent = text
    this.one('[data-area]')?.classList.toggle('is-needed', state === 'refused')
  }

  private async takePhoto(): Promise<void> {
    const file = this.one<HTMLInputElement>('[data-photo]')?.files?.[0]
    if (!file) return
    const small = await shrink(file)
    if (!small) {
      toast(words(this.form, 'wordsNophoto'), 'error')
      return
    }
    this.photo = small
    const view = this.one<HTMLImageElement>('[data-photo-view]')
    if (view) {
      if (view.src) URL.revokeObjectURL(view.src)
      view.src = URL.createObjectURL(small)
      view.hidden = false
    }
    this.one('[data-photo-empty]')?.toggleAttribute('hidden', true)
  }

  private filterKinds(text: string): void {
    for (const section of this.form.querySelectorAll<HTMLElement>('[data-kind-class]')) {
      let shown = 0
      for (const tile of section.querySelectorAll<HTMLElement>('[data-kind-name]')) {
        tile.hidden = !(tile.dataset.kindName ?? '').toLowerCase().includes(text)
        if (!tile.hidden) shown += 1
      }
      section.hidden = shown === 0
    }
  }

  private async submit(): Promise<void> {
    await this.shrinking
    const data = new FormData(this.form)
    const chosen = this.one<HTMLInputElement>('input[name="kind"]:checked')
    if (!chosen) {
      toast(words(this.form, 'wordsNokind'), 'warning')
      this.one('.gr-kinds')?.scrollIntoView({ block: 'center' })
      return
    }
    if (!data.get('lon') && !data.get('area_code')) {
      toast(words(this.form, 'wordsNoplace'), 'warning')
      this.one<HTMLSelectElement>('[name="area_code"]')?.focus()
      return
    }
    const fields: Record<string, string> = {}
    for (const name of ['lon', 'lat', 'accuracy_m', 'area_code', 'content', 'solved', 'solved_note']) {
      const value = data.get(name)
      if (typeof value === 'string' && value) fields[name] = value
    }
    const report: Waiting = {
      uuid: String(data.get('client_uuid')),
      user: this.user,
      kind: chosen.value,
      kindName: chosen.nextElementSibling?.textContent ?? chosen.value,
      fields,
      photo: this.photo,
      takenAt: new Date().toISOString(),
      tries: 0,
      problem: '',
    }
    try {
      await keep(report)
    } catch {
      toast(words(this.form, 'wordsFull'), 'error')
      return
    }
    this.clean()
    const sent = await this.flush(true)
    if (!sent.has(report.uuid)) {
      const left = (await waiting()).find((other) => other.uuid === report.uuid)
      if (left && !left.problem) toast(words(this.form, 'wordsKept'), 'info')
    }
  }

  /** A fresh form for the next event; the place stays. */
  private clean(): void {
    for (const input of this.form.querySelectorAll<HTMLInputElement>('input[name="kind"], [data-solved]')) input.checked = false
    for (const area of this.form.querySelectorAll<HTMLTextAreaElement>('textarea')) area.value = ''
    this.set('client_uuid', crypto.randomUUID())
    this.photo = null
    const file = this.one<HTMLInputElement>('[data-photo]')
    if (file) file.value = ''
    const view = this.one<HTMLImageElement>('[data-photo-view]')
    if (view) view.hidden = true
    this.one('[data-photo-empty]')?.toggleAttribute('hidden', false)
    const note = this.one<HTMLElement>('[data-solved-note]')
    if (note) note.hidden = true
    this.locate()
  }

  /** Send what waits, one after another, under the name of the person who took it. */
  private async flush(asked = false): Promise<Set<string>> {
    const sent = new Set<string>()
    if (this.sending) return sent
    this.sending = true
    try {
      const mine = (await waiting()).filter((report) => report.user === this.user && (asked || !report.problem))
      if (mine.length) await this.sendAll(mine, sent, asked)
    } finally {
      this.sending = false
      await this.show()
    }
    return sent
  }

  private async sendAll(mine: Waiting[], sent: Set<string>, asked: boolean): Promise<void> {
    const me = await whoami(this.form.dataset.tokenUrl ?? '')
    if (!me) return
    if (String(me.user ?? '') !== this.user) {
      if (asked) toast(words(this.form, 'wordsLogin'), 'warning')
      return
    }
    for (const report of mine) {
      const answer = await post(this.form.action, me.csrf, report)
      if (answer.outcome === 'sent') {
        await drop(report.uuid)
        sent.add(report.uuid)
        toast(words(this.form, 'wordsSent', answer.number), 'success')
      } else {
        await remember({ ...report, tries: report.tries + 1, problem: answer.outcome === 'refused' ? answer.detail : '' })
        if (answer.outcome !== 'refused') return
        toast(answer.detail, 'error')
      }
    }
  }

  private async show(): Promise<void> {
    const box = this.one<HTMLElement>('[data-queue]')
    const list = this.one('[data-queue-list]')
    if (!box || !list) return
    const all = await waiting().catch(() => [])
    const mine = all.filter((report) => report.user === this.user)
    const others = all.length - mine.length
    box.hidden = all.length === 0
    const said = this.one('[data-queue-words]')
    if (said) said.textContent = words(this.form, 'wordsWaiting', String(mine.length))
    const note = this.one('[data-queue-note]')
    if (note) note.textContent = others ? words(this.form, 'wordsOther', String(others)) : ''
    list.replaceChildren(...mine.map((report) => this.row(report)))
  }

  private row(report: Waiting): HTMLElement {
    const row = document.createElement('li')
    row.dataset.test = 'queued'
    const name = document.createElement('span')
    name.textContent = `${new Date(report.takenAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })} ${report.kindName}`
    row.append(name)
    if (report.problem) {
      const why = document.createElement('em')
      why.textContent = report.problem
      const discard = document.createElement('button')
      discard.type = 'button'
      discard.className = 'btn gr-big'
      discard.textContent = words(this.form, 'wordsDiscard')
      discard.addEventListener('click', () => void drop(report.uuid).then(() => this.show()))
      row.append(why, discard)
    }
    return row
  }
}

export function start(): void {
  const form = document.querySelector<HTMLFormElement>('#report-form')
  if (form) new ReportPage(form).start()
}
