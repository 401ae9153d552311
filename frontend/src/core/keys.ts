/**
 * Working by keyboard.
 *
 * `/` goes to the search box. An element with data-key="alt+s" is clicked (or focused, if one types in it)
 * by that key. Inside [data-rows], j and k or the arrows move between elements marked data-row; Enter opens.
 */

const typing = (element: Element | null): boolean =>
  element instanceof HTMLInputElement ||
  element instanceof HTMLTextAreaElement ||
  element instanceof HTMLSelectElement ||
  (element instanceof HTMLElement && element.isContentEditable)

function name(event: KeyboardEvent): string {
  const parts: string[] = []
  if (event.ctrlKey || event.metaKey) parts.push('ctrl')
  if (event.altKey) parts.push('alt')
  if (event.shiftKey && event.key.length > 1) parts.push('shift')
  parts.push(event.key.toLowerCase())
  return parts.join('+')
}

function moveRow(step: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-rows] [data-row]')]
  if (!rows.length) return false
  const present = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement))
  const next = rows[Math.max(0, Math.min(rows.length - 1, present < 0 ? 0 : present + step))]
  const target = next?.matches('a,button,[tabindex]') ? next : next?.querySelector<HTMLElement>('a,button,[tabindex]')
  target?.focus()
  return Boolean(target)
}

export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    const busy = typing(document.activeElement)
    const key = name(event)
    if (key === '/' && !busy) {
      const box = document.querySelector<HTMLInputElement>('[data-search-box]')
      if (box) {
        event.preventDefault()
        box.focus()
        box.select()
      }
      return
    }
    if (key === 'escape' && busy && document.activeElement instanceof HTMLElement) {
      document.activeElement.blur()
      return
    }
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey
    if (!busy || !plain) {
      for (const element of document.querySelectorAll<HTMLElement>('[data-key]')) {
        if (element.dataset.key !== key || element.closest('[hidden]')) continue
        event.preventDefault()
        if (typing(element)) element.focus()
        else element.click()
        return
      }
    }
    if (!busy && (key === 'j' || key === 'k') && moveRow(key === 'j' ? 1 : -1)) event.preventDefault()
  })
}
