/**
 * Choosing one of many by typing a part of its name: an input, a hidden field, a list.
 *
 * <div data-picker="/url/" data-name="area"><input data-picker-words><input type="hidden" name="area"><ul hidden></ul></div>
 * The address answers ?q= with {"rows": [{value, label, hint, …}]}. Arrows move, Enter takes, Escape leaves.
 * A choice is told by the event "picked" with the row as detail; emptying the words empties the choice.
 */

import { getJson } from '../core/http'

export type PickerRow = { value: string; label: string; hint?: string; type?: string }

const parts = (box: HTMLElement) => ({
  words: box.querySelector<HTMLInputElement>('[data-picker-words]')!,
  hidden: box.querySelector<HTMLInputElement>('input[type="hidden"]')!,
  list: box.querySelector<HTMLUListElement>('ul')!,
})

export function choose(box: HTMLElement, row: PickerRow, quiet = false): void {
  const { words, hidden, list } = parts(box)
  words.value = row.label
  hidden.value = row.value
  list.hidden = true
  words.setAttribute('aria-expanded', 'false')
  words.removeAttribute('aria-activedescendant')
  if (!quiet) box.dispatchEvent(new CustomEvent<PickerRow>('picked', { bubbles: true, detail: row }))
}

export const pickerOf = (root: ParentNode, name: string): HTMLElement | null =>
  root.querySelector<HTMLElement>(`[data-picker][data-name="${name}"]`)

function mark(list: HTMLUListElement, words: HTMLInputElement, at: number): void {
  const options = [...list.children] as HTMLElement[]
  options.forEach((option, n) => option.setAttribute('aria-selected', String(n === at)))
  const present = options[at]
  if (present) {
    words.setAttribute('aria-activedescendant', present.id)
    present.scrollIntoView({ block: 'nearest' })
  }
}

function arm(box: HTMLElement): void {
  const { words, hidden, list } = parts(box)
  let rows: PickerRow[] = []
  let at = -1
  let timer = 0
  let asked: AbortController | null = null

  const close = (): void => {
    list.hidden = true
    words.setAttribute('aria-expanded', 'false')
  }
  const ask = async (): Promise<void> => {
    asked?.abort()
    const mine = (asked = new AbortController())
    let found: PickerRow[]
    try {
      const url = `${box.dataset.picker}?q=${encodeURIComponent(words.value.trim())}`
      found = (await getJson<{ rows: PickerRow[] }>(url, mine.signal)).rows
    } catch {
      return
    }
    if (mine.signal.aborted) return
    rows = found
    list.replaceChildren(
      ...rows.map((row, n) => {
        const option = document.createElement('li')
        option.id = `${list.id}-${n}`
        option.setAttribute('role', 'option')
        option.dataset.test = `option-${box.dataset.name}`
        option.dataset.value = row.value
        option.append(row.label)
        if (row.hint) {
          const hint = document.createElement('small')
          hint.textContent = row.hint
          option.append(hint)
        }
        option.addEventListener('mousedown', (event) => {
          event.preventDefault()
          choose(box, row)
        })
        return option
      }),
    )
    at = rows.length ? 0 : -1
    mark(list, words, at)
    list.hidden = !rows.length
    words.setAttribute('aria-expanded', String(rows.length > 0))
  }

  // A choice ends what was still being asked, so that no late list covers the form.
  box.addEventListener('picked', (event) => {
    if (!(event as CustomEvent<PickerRow>).detail.value) return
    window.clearTimeout(timer)
    asked?.abort()
    close()
  })
  words.addEventListener('input', () => {
    if (hidden.value) {
      hidden.value = ''
      box.dispatchEvent(new CustomEvent('picked', { bubbles: true, detail: { value: '', label: '' } }))
    }
    window.clearTimeout(timer)
    timer = window.setTimeout(() => void ask(), 150)
  })
  words.addEventListener('focus', () => {
    if (!hidden.value) void ask()
  })
  words.addEventListener('blur', () => {
    window.clearTimeout(timer)
    asked?.abort()
    window.setTimeout(close, 120)
  })
  words.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      if (list.hidden) void ask()
      else {
        at = Math.max(0, Math.min(rows.length - 1, at + (event.key === 'ArrowDown' ? 1 : -1)))
        mark(list, words, at)
      }
    } else if (event.key === 'Enter' && !event.ctrlKey && !list.hidden) {
      event.preventDefault()
      const row = rows[at]
      if (row) choose(box, row)
    } else if (event.key === 'Escape' && !list.hidden) {
      event.stopPropagation()
      close()
    }
  })
}

/** Arm every picker under `root` that is not armed yet. */
export function startPickers(root: ParentNode = document): void {
  for (const box of root.querySelectorAll<HTMLElement>('[data-picker]:not([data-armed])')) {
    box.dataset.armed = '1'
    arm(box)
  }
}
