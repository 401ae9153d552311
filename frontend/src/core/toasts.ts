/** Short notes at the edge of the screen; they leave by themselves, errors stay until closed. */

export type Tone = 'success' | 'info' | 'warning' | 'error'
type Undo = { label: string; run: () => void }

const box = (): HTMLElement | null => document.getElementById('toasts')

function arm(note: HTMLElement, stays: boolean): void {
  const close = document.createElement('button')
  close.type = 'button'
  close.className = 'toast-close'
  close.textContent = '×'
  close.setAttribute('aria-label', box()?.dataset.close ?? '')
  close.addEventListener('click', () => note.remove())
  note.append(close)
  if (!stays) window.setTimeout(() => note.remove(), 7000)
}

export function toast(words: string, tone: Tone = 'info', undo?: Undo): void {
  const place = box()
  if (!place) return
  const note = document.createElement('div')
  note.className = `toast-note toast-${tone}`
  note.dataset.test = 'toast'
  note.textContent = words
  if (undo) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'toast-undo'
    button.textContent = undo.label
    button.addEventListener('click', () => {
      note.remove()
      undo.run()
    })
    note.append(button)
  }
  arm(note, tone === 'error')
  place.append(note)
}

/** A sentence that the server put on the toast box for us, in the reader's language. */
export function toastSentence(name: 'error' | 'refused' | 'gone' | 'offline'): void {
  toast(box()?.dataset[name] ?? '', 'error')
}

export function startToasts(): void {
  for (const note of document.querySelectorAll<HTMLElement>('[data-toast]')) {
    arm(note, note.classList.contains('toast-error'))
  }
}

/** An answer's header HX-Trigger: {"toast": {"words": "…", "tone": "success"}} becomes a note. */
export function listenForToasts(): void {
  document.addEventListener('toast', (event) => {
    const { words, tone } = (event as CustomEvent<{ words?: string; tone?: Tone }>).detail
    if (words) toast(words, tone ?? 'success')
  })
}
