/**
 * A file on its way in: sent in parts, so that a cut costs one part and not the file, with the progress of
 * what was really sent. Without script the form itself is sent.
 */

import { csrfToken } from '../core/http'

type Begun = { part: string; next: string; discard: string; part_bytes: number; received: number }
type Answer = { status: number; body: Record<string, unknown> }

const TRIES = 6

class Sending {
  private request: XMLHttpRequest | null = null
  private cancelled = false
  private begun: Begun | null = null
  private readonly since = performance.now()
  private readonly file: File
  private readonly tell: (sent: number, seconds: number) => void
  private readonly again: () => void

  constructor(file: File, tell: (sent: number, seconds: number) => void, again: () => void) {
    this.file = file
    this.tell = tell
    this.again = again
  }

  /** The address of the preview. Throws the words to show; an empty one when it was cancelled. */
  async run(begin: string, words: (answer: Answer) => string): Promise<string> {
    const form = new FormData()
    form.append('name', this.file.name)
    form.append('size', String(this.file.size))
    const first = await this.patiently(() => this.post(begin, form, 0))
    if (first.status !== 201) throw new Error(words(first))
    const begun = first.body as Begun
    this.begun = begun
    let sent = 0
    while (sent < this.file.size) {
      const at = sent
      const body = this.file.slice(at, at + begun.part_bytes)
      const answer = await this.patiently(() => this.post(`${begun.part}?offset=${at}`, body, at))
      const received = answer.body.received
      if (answer.status !== 200 || typeof received !== 'number' || received <= at) {
        await this.discard()
        throw new Error(words(answer))
      }
      sent = received
    }
    return begun.next
  }

  async cancel(): Promise<void> {
    this.cancelled = true
    this.request?.abort()
    await this.discard()
  }

  private async discard(): Promise<void> {
    if (!this.begun) return
    await fetch(this.begun.discard, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'X-CSRFToken': csrfToken() },
      redirect: 'manual',
    }).catch(() => undefined)
  }

  /** A cut line is no answer: wait and send the same part again, which the server takes once. */
  private async patiently(send: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await send()
      if (this.cancelled) throw new Error('')
      if (answer.status !== 0 || tries === TRIES) return answer
      this.again()
      await new Promise((done) => window.setTimeout(done, Math.min(8_000, 500 * 2 ** tries)))
      if (this.cancelled) throw new Error('')
    }
  }

  private post(url: string, body: FormData | Blob, at: number): Promise<Answer> {
    return new Promise((done) => {
      const request = new XMLHttpRequest()
      this.request = request
      request.open('POST', url)
      request.setRequestHeader('X-CSRFToken', csrfToken())
      request.setRequestHeader('Accept', 'application/json')
      if (body instanceof Blob) request.setRequestHeader('Content-Type', 'application/octet-stream')
      request.responseType = 'json'
      if (body instanceof Blob) {
        request.upload.addEventListener('progress', (event) => {
          this.tell(at + event.loaded, (performance.now() - this.since) / 1000)
        })
      }
      const end = (): void => {
        // A redirect to the login page comes as a page, not as JSON.
        const page = request.status === 200 && request.responseURL.includes('/accounts/login')
        done({ status: page ? 401 : request.status, body: (request.response as Record<string, unknown>) ?? {} })
      }
      request.addEventListener('loadend', end)
      request.send(body)
    })
  }
}

function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  const value = bytes / 1024 ** step
  return `${value.toFixed(step === 0 || value >= 100 ? 0 : 1)} ${units[step]}`
}

const clock = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`

export function start(): void {
  const form = document.querySelector<HTMLFormElement>('[data-test="upload-form"]')
  const input = form?.querySelector<HTMLInputElement>('input[type="file"]')
  if (!form || !input) return
  const part = <T extends HTMLElement>(name: string): T => form.querySelector<T>(`[data-${name}]`) as T
  const drop = part('drop')
  const sending = part('sending')
  const bar = part<HTMLProgressElement>('bar')
  const words = part('words')
  const problem = part('error')
  const say = form.dataset
  let running: Sending | null = null
  // Choosing sends at once: the button is for browsers without script.
  part('send').hidden = true

  const stop = (sentence: string): void => {
    running = null
    sending.hidden = true
    drop.hidden = false
    input.value = ''
    problem.textContent = sentence
    problem.hidden = !sentence
    input.focus()
  }
  const sentence = (answer: Answer): string => {
    if (typeof answer.body.error === 'string') return answer.body.error
    if (answer.status === 401 || answer.status === 403) return say.refused ?? ''
    return (answer.status === 404 ? say.gone : say.failed) ?? ''
  }
  const take = async (file: File): Promise<void> => {
    if (running) return
    if (!file.size || file.size > Number(say.max)) {
      stop((file.size ? say.tooLarge : say.empty) ?? '')
      return
    }
    problem.hidden = true
    drop.hidden = true
    sending.hidden = false
    part('name').textContent = file.name
    bar.value = 0
    words.textContent = size(file.size)
    let told = ''
    const tell = (sent: number, seconds: number): void => {
      const share = Math.min(1, sent / file.size)
      bar.value = Math.round(share * 1000)
      const left = share > 0.02 && seconds > 1 ? (seconds / share) * (1 - share) : 0
      const rest = left >= 1 ? ` · ${(say.left ?? '#').replace('#', clock(left))}` : ''
      told = `${size(Math.min(sent, file.size))} / ${size(file.size)} · ${Math.floor(share * 100)}%${rest}`
      words.textContent = told
    }
    const own = new Sending(file, tell, () => {
      words.textContent = `${told} · ${say.again ?? ''}`
    })
    running = own
    part('cancel').focus()
    try {
      const next = await own.run(say.begin ?? '', sentence)
      words.textContent = say.reading ?? ''
      location.assign(next)
    } catch (error) {
      if (running === own) stop(error instanceof Error ? error.message : (say.failed ?? ''))
    }
  }

  input.addEventListener('change', () => {
    const file = input.files?.[0]
    if (file) void take(file)
  })
  part('cancel').addEventListener('click', () => {
    const own = running
    stop('')
    void own?.cancel()
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const file = input.files?.[0]
    if (file) void take(file)
  })
  // Chosen before this module was there; not what a browser remembers of an earlier visit.
  if (input.files?.[0] && !performance.getEntriesByType('navigation').some((one) => (one as PerformanceNavigationTiming).type === 'back_forward')) {
    void take(input.files[0])
  }
  for (const name of ['dragenter', 'dragover'] as const) {
    drop.addEventListener(name, (event) => {
      event.preventDefault()
      drop.classList.add('is-over')
    })
  }
  for (const name of ['dragleave', 'drop'] as const) {
    drop.addEventListener(name, (event) => {
      event.preventDefault()
      drop.classList.remove('is-over')
      const file = name === 'drop' ? event.dataTransfer?.files[0] : undefined
      if (file) void take(file)
    })
  }
}
