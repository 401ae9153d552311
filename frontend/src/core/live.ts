/**
 * The live connection: one socket per page, resumed by event position.
 *
 * Every event becomes a DOM event `live:<kind>` on document.body, so that a page refreshes a part with
 * hx-trigger="live:dispatch.order.moved from:body" and a module listens with addEventListener.
 */

export type Figures = Record<string, number>
/** day is empty for a gauge, which belongs to no day. */
export type Delta = { day: string; figure: string; n: number }
export type Line = {
  verb: string
  title: string
  where: string
  ref: string
  href: string
  tone: string
  level: number
}
export type Clocked = { 'orders.overdue'?: number; 'data.late'?: string[] }
export type Tick = { type: 'tick'; at: string; position: number; clocked?: Clocked }
export type Snapshot = {
  type: 'snapshot'
  position: number
  area: string
  day: string
  at: string
  figures: Figures
  children: Record<string, Figures>
}
export type LiveEvent = {
  type: 'event'
  position: number
  kind: string
  body: Record<string, unknown>
  area: string
  line: Line | null
  deltas: Delta[]
  at: string
}
export type Connection = 'connecting' | 'on' | 'off'
type Handlers = {
  snapshot?: (snapshot: Snapshot) => void
  event?: (event: LiveEvent) => void
  tick?: (tick: Tick) => void
  refused?: (area: string) => void
  connection?: (state: Connection) => void
}

// Codes with which the server says that asking again would not help.
const LOGGED_OUT = 4401
const NO_RIGHTS = 4403

export class LiveConnection {
  private socket: WebSocket | null = null
  private position: number | null = null
  private attempts = 0
  private timer = 0
  private heard = 0
  private closed = false
  private welcomed = false
  private area: string
  private readonly wantsFigures: boolean
  private readonly handlers: Handlers

  constructor(area: string, wantsFigures: boolean, handlers: Handlers) {
    this.area = area
    this.wantsFigures = wantsFigures
    this.handlers = handlers
    window.addEventListener('online', () => this.retryNow())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.socket?.readyState !== WebSocket.OPEN) this.retryNow()
    })
    // A wall screen must notice a silent cut (a cable, a proxy) without anyone touching it.
    window.setInterval(() => this.checkSilence(), 10_000)
  }

  open(): void {
    this.closed = false
    this.handlers.connection?.('connecting')
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const since = this.position === null ? '' : `?since=${this.position}`
    const socket = new WebSocket(`${scheme}://${location.host}/ws/live/${since}`)
    this.socket = socket
    socket.onopen = () => {
      this.heard = Date.now()
      socket.send(JSON.stringify({ watch: this.area, figures: this.wantsFigures, since: this.position }))
    }
    socket.onmessage = (message) => this.hear(JSON.parse(message.data as string))
    socket.onclose = (event) => {
      if (this.socket !== socket) return
      this.socket = null
      this.handlers.connection?.('off')
      if (event.code === LOGGED_OUT && this.welcomed) {
        // Rights changed or the session ended: ask once more. What was known belongs to the old rights.
        this.welcomed = false
        this.position = null
        this.open()
        return
      }
      if (event.code === LOGGED_OUT) {
        // The session ended: the login page says the rest.
        if (!this.closed) location.assign('/accounts/login/?next=' + encodeURIComponent(location.pathname))
        return
      }
      if (event.code === NO_RIGHTS || this.closed) return
      this.retryLater()
    }
  }

  close(): void {
    this.closed = true
    window.clearTimeout(this.timer)
    this.socket?.close()
  }

  /** Look at another area: a new snapshot, on the same socket. */
  watch(area: string): void {
    this.area = area
    this.position = null
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ watch: area, figures: this.wantsFigures, since: null }))
    }
  }

  private hear(message: Snapshot | LiveEvent | { type: string; position?: number }): void {
    this.heard = Date.now()
    if (message.type === 'ready' || message.type === 'snapshot') {
      this.attempts = 0
      this.welcomed = true
      this.handlers.connection?.('on')
    }
    if (message.type === 'snapshot') {
      const snapshot = message as Snapshot
      this.position = snapshot.position
      this.handlers.snapshot?.(snapshot)
    } else if (message.type === 'event') {
      const event = message as LiveEvent
      // Joined first, read second: what the snapshot already holds may come once more.
      if (this.position !== null && event.position <= this.position) return
      this.position = event.position
      this.handlers.event?.(event)
      document.body.dispatchEvent(new CustomEvent(`live:${event.kind}`, { detail: event }))
      document.body.dispatchEvent(new CustomEvent('live:any', { detail: event }))
    } else if (message.type === 'tick') {
      this.handlers.tick?.(message as Tick)
    } else if (message.type === 'refused') {
      this.handlers.refused?.((message as { area?: string }).area ?? '')
    } else if (message.position !== undefined) {
      this.position = message.position
    }
  }

  private checkSilence(): void {
    const open = this.socket?.readyState === WebSocket.OPEN
    if (open && Date.now() - this.heard > 50_000) this.socket?.close()
  }

  private retryNow(): void {
    if (this.socket || this.closed) return
    window.clearTimeout(this.timer)
    this.open()
  }

  private retryLater(): void {
    // 1, 2, 4 … 30 s, spread out so that a restarted server is not met by every screen at once.
    const wait = Math.min(30_000, 1000 * 2 ** this.attempts) * (0.7 + 0.6 * Math.random())
    this.attempts += 1
    this.timer = window.setTimeout(() => this.open(), wait)
  }
}
