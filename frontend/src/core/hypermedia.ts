/** htmx, with our CSRF token and our way of telling people what went wrong. */

import htmx from 'htmx.org'
import { csrfToken } from './http'
import { toastSentence } from './toasts'

type RequestEvent = CustomEvent<{
  ctx: { request: { headers: Record<string, string>; method: string }; sourceEvent?: Event; response?: { status: number } }
}>

export function startHypermedia(): void {
  document.addEventListener('htmx:config:request', (event) => {
    const { request, sourceEvent } = (event as RequestEvent).detail.ctx
    // A refresh that nobody asked for must not keep a session awake.
    if (sourceEvent?.type.startsWith('live:')) request.headers['X-Background'] = '1'
    if (request.method.toUpperCase() !== 'GET') request.headers['X-CSRFToken'] = csrfToken()
  })
  document.addEventListener('htmx:response:error', (event) => {
    const status = (event as RequestEvent).detail.ctx.response?.status ?? 0
    if (status === 401 || status === 403) toastSentence('refused')
    else if (status === 404) toastSentence('gone')
    else if (status >= 500) toastSentence('error')
  })
  document.addEventListener('htmx:error', (event) => {
    // A request that never got an answer; a refresh by news is tried again by the next news.
    const detail = (event as CustomEvent<{ ctx?: { response?: unknown; sourceEvent?: Event } }>).detail
    if (detail.ctx && !detail.ctx.response && !detail.ctx.sourceEvent?.type.startsWith('live:')) {
      toastSentence('offline')
    }
  })
}

export { htmx }
