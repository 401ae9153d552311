/** Reports that wait on this phone: kept in IndexedDB until the server has said that it holds them. */

export type Waiting = {
  uuid: string
  user: string
  kind: string
  kindName: string
  fields: Record<string, string>
  photo: Blob | null
  takenAt: string
  tries: number
  problem: string
}

const NAME = 'grid'
const STORE = 'reports'

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1)
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: 'uuid' })
    asked.onsuccess = () => resolve(asked.result)
    asked.onerror = () => reject(asked.error ?? new Error('indexedDB'))
  })
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await open()
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = db.transaction(STORE, mode)
      const request = work(transaction.objectStore(STORE))
      // Only a completed transaction is on the disk; a finished request is not yet.
      transaction.oncomplete = () => resolve(request.result)
      transaction.onerror = () => reject(transaction.error ?? new Error('indexedDB'))
      transaction.onabort = () => reject(transaction.error ?? new Error('indexedDB'))
    })
  } finally {
    db.close()
  }
}

export const keep = (report: Waiting): Promise<IDBValidKey> => within('readwrite', (store) => store.put(report))
export const drop = (uuid: string): Promise<undefined> => within('readwrite', (store) => store.delete(uuid))
export const remember = keep

export async function waiting(): Promise<Waiting[]> {
  const all = await within<Waiting[]>('readonly', (store) => store.getAll() as IDBRequest<Waiting[]>)
  return all.sort((a, b) => a.takenAt.localeCompare(b.takenAt))
}

export type Outcome = 'sent' | 'refused' | 'later' | 'login'
export type Answer = { outcome: Outcome; number: string; detail: string }

/** Send one report. Safe to repeat: the server knows a report by its uuid. */
export async function post(url: string, csrf: string, report: Waiting): Promise<Answer> {
  const body = new FormData()
  for (const [name, value] of Object.entries(report.fields)) body.set(name, value)
  body.set('client_uuid', report.uuid)
  body.set('kind', report.kind)
  body.set('happened_at', report.takenAt)
  if (report.photo) body.set('photo', report.photo, 'photo.jpg')
  let answer: Response
  try {
    answer = await fetch(url, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { Accept: 'application/json', 'X-CSRFToken': csrf },
      body,
    })
  } catch {
    return { outcome: 'later', number: '', detail: '' }
  }
  const said = (await answer.json().catch(() => ({}))) as { number?: string; detail?: string }
  if (answer.ok && said.number) return { outcome: 'sent', number: said.number, detail: '' }
  const detail = said.detail ?? ''
  if (answer.status === 401) return { outcome: 'login', number: '', detail }
  // What the server understood and would not take will not become better by repeating it.
  if ([400, 409, 413].includes(answer.status)) return { outcome: 'refused', number: '', detail }
  return { outcome: 'later', number: '', detail }
}

/** Who is signed in now, and a token that holds. null: no connection. */
export async function whoami(url: string): Promise<{ user: number | null; csrf: string } | null> {
  try {
    const answer = await fetch(url, { credentials: 'same-origin', cache: 'no-store', headers: { Accept: 'application/json' } })
    // An idle session is sent to the login page: that is an answer too.
    if (answer.status === 401 || answer.redirected) return { user: null, csrf: '' }
    return answer.ok ? ((await answer.json()) as { user: number | null; csrf: string }) : null
  } catch {
    return null
  }
}
