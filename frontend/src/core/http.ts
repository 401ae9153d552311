/** Requests of our own modules: same origin, CSRF token, JSON. */

export const csrfToken = (): string =>
  document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? ''

export class HttpError extends Error {
  readonly status: number
  constructor(status: number) {
    super(`HTTP ${status}`)
    this.status = status
  }
}

/** background: a refresh that nobody asked for; it does not keep the session awake. */
export async function getJson<T>(url: string, signal?: AbortSignal, background = false): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (background) headers['X-Background'] = '1'
  const options: RequestInit = { headers, credentials: 'same-origin' }
  if (signal) options.signal = signal
  const answer = await fetch(url, options)
  if (!answer.ok) throw new HttpError(answer.status)
  return (await answer.json()) as T
}

export async function getHtml(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { 'HX-Request': 'true' }, credentials: 'same-origin' })
  if (!answer.ok) throw new HttpError(answer.status)
  return answer.text()
}

export async function send(url: string, body: FormData | Record<string, unknown>): Promise<Response> {
  const json = !(body instanceof FormData)
  const headers: Record<string, string> = { 'X-CSRFToken': csrfToken() }
  if (json) headers['Content-Type'] = 'application/json'
  return fetch(url, {
    method: 'POST',
    credentials: 'same-origin',
    headers,
    body: json ? JSON.stringify(body) : body,
  })
}
