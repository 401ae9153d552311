/**
 * The service worker of /grid/: the phone page opens without net, as it was last seen.
 *
 * It keeps the page itself and the built files it needs, nothing else: no lists, no photos, no answers.
 * It must stay without imports, because it is served as one plain script.
 */

type Keepable = { waitUntil(work: Promise<unknown>): void }
type Fetching = Keepable & { request: Request; respondWith(answer: Promise<Response>): void }
type Worker = {
  registration: { scope: string }
  skipWaiting(): Promise<void>
  clients: { claim(): Promise<void> }
  addEventListener(name: 'install' | 'activate', act: (event: Keepable) => void): void
  addEventListener(name: 'fetch', act: (event: Fetching) => void): void
}

const worker = self as unknown as Worker
const CACHE = 'grid-1'

async function pageFirstFromNet(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  try {
    const answer = await fetch(request)
    const landed = new URL(answer.url || request.url).pathname
    // A redirect to the login is an answer, but not the page to keep.
    if (answer.ok && landed === new URL(worker.registration.scope).pathname) await cache.put(worker.registration.scope, answer.clone())
    return answer
  } catch (error) {
    const kept = await cache.match(worker.registration.scope)
    if (kept) return kept
    throw error
  }
}

async function builtFile(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  const kept = await cache.match(request)
  // Names of built files carry a digest, so a kept one is never stale; the others are asked again.
  if (kept && /\/assets\//.test(request.url)) return kept
  try {
    const answer = await fetch(request)
    if (answer.ok) await cache.put(request, answer.clone())
    return answer
  } catch (error) {
    if (kept) return kept
    throw error
  }
}

worker.addEventListener('install', (event) => {
  const page = worker.registration.scope
  event.waitUntil(
    pageFirstFromNet(new Request(page, { credentials: 'same-origin' }))
      .then((answer) => answer.text())
      .then(async (html) => {
        const files = [...html.matchAll(/(?:src|href)="(\/static\/[^"#]+)/g)].map((match) => match[1] as string)
        await Promise.all([...new Set(files)].map((file) => builtFile(new Request(file)).catch(() => undefined)))
      })
      .catch(() => undefined)
      .then(() => worker.skipWaiting()),
  )
})

worker.addEventListener('activate', (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
  event.waitUntil(old.then(() => worker.clients.claim()))
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  const page = new URL(worker.registration.scope).pathname
  if (request.mode === 'navigate' && url.pathname === page) event.respondWith(pageFirstFromNet(request))
  else if (url.pathname.startsWith('/static/')) event.respondWith(builtFile(request))
})

export {}
