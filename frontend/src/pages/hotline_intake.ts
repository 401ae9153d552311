/**
 * The operator's page: suggestions while one types, Tab takes them, the draft is kept every second,
 * one button says what will happen.
 */

import { send } from '../core/http'
import { toast } from '../core/toasts'
import { choose, pickerOf, startPickers, type PickerRow } from './hotline_picker'

const HELP_AFTER = 350 // ms without a key, then suggestions are asked for
const SAVE_EVERY = 1000

type Form = HTMLFormElement

const value = (form: Form, name: string): string =>
  (form.elements.namedItem(name) as HTMLInputElement | null)?.value.trim() ?? ''

function setValue(form: Form, name: string, text: string): void {
  const field = form.elements.namedItem(name)
  if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement) {
    field.value = text
  }
}

/** The words of the one button: what the server will do with the form as it stands. */
function labelButton(form: Form): void {
  const button = form.querySelector<HTMLButtonElement>('[data-act]')
  if (!button) return
  const org = pickerOf(form, 'org')?.querySelector<HTMLInputElement>('[data-picker-words]')?.value ?? ''
  const what = value(form, 'ground') ? 'reject' : value(form, 'reply') ? 'answer' : value(form, 'org') ? 'dispatch' : 'queue'
  const words = button.dataset[what] ?? ''
  button.textContent = what === 'dispatch' ? `${words} ${org}` : words
  button.dataset.decision = what
}

function startTimer(root: HTMLElement): { restart: () => void; clear: () => void } {
  const clock = document.querySelector<HTMLElement>('[data-call-timer]')
  const face = clock?.querySelector<HTMLElement>('[data-minutes]')
  let since = clock?.dataset.started ? Date.parse(clock.dataset.started) : 0
  const draw = (): void => {
    if (!face) return
    const seconds = since ? Math.max(0, Math.floor((Date.now() - since) / 1000)) : 0
    const text = [Math.floor(seconds / 60), seconds % 60].map((n) => String(n).padStart(2, '0')).join(':')
    if (face.textContent !== text) face.textContent = text
  }
  window.setInterval(draw, 500)
  draw()
  root.dataset.running = since ? '1' : ''
  return {
    restart: () => {
      since = Date.now()
      root.dataset.running = '1'
      draw()
    },
    clear: () => {
      since = 0
      root.dataset.running = ''
      draw()
    },
  }
}

function startDraft(root: HTMLElement, form: Form, timer: { restart: () => void }): { forget: () => void } {
  const note = document.querySelector<HTMLElement>('[data-draft-note]')
  const url = root.dataset.draftUrl ?? ''
  let saved = snapshot(form)
  let busy = false
  window.setInterval(() => {
    const now = snapshot(form)
    if (busy || now === saved) return
    const body = new FormData(form)
    if (!root.dataset.running) {
      timer.restart()
      body.set('_restart', '1')
    }
    busy = true
    send(url, body)
      .then((answer) => {
        if (answer.ok) saved = now
        if (note) note.textContent = (answer.ok ? note.dataset.saved : note.dataset.failed) ?? ''
      })
      .catch(() => {
        if (note) note.textContent = note.dataset.failed ?? ''
      })
      .finally(() => {
        busy = false
      })
  }, SAVE_EVERY)
  return {
    forget: () => {
      saved = snapshot(form)
      if (note) note.textContent = ''
    },
  }
}

function snapshot(form: Form): string {
  const body = new FormData(form)
  body.delete('csrfmiddlewaretoken')
  return new URLSearchParams([...body].map(([name, one]) => [name, String(one)])).toString()
}

function accept(form: Form, chip: HTMLElement): void {
  const { chip: target = '', value: code = '', label = '', type = '', by = '', why = '' } = chip.dataset
  const box = pickerOf(form, target)
  if (!box) return
  if (target === 'category') {
    if (type) setValue(form, 'request_type', type)
    remember(form, { category: code, why, by })
  } else if (target === 'org') {
    remember(form, { org: chip.dataset.code ?? '' })
  }
  chip.remove()
  if (!form.querySelector('[data-chip]')) form.querySelector('#chips')?.replaceChildren()
  choose(box, { value: code, label })
}

/** What was offered and taken goes along, so that offers can be judged later. */
function remember(form: Form, more: Record<string, string>): void {
  const known = JSON.parse(value(form, 'suggested') || '{}') as Record<string, string>
  setValue(form, 'suggested', JSON.stringify({ ...known, ...more }))
}

function startHelp(form: Form): void {
  let wait = 0
  const ask = (): void => {
    window.clearTimeout(wait)
    wait = window.setTimeout(() => document.body.dispatchEvent(new CustomEvent('help')), HELP_AFTER)
  }
  document.addEventListener('input', (event) => {
    if ((event.target as HTMLElement).matches('[data-help]')) ask()
    labelButton(form)
  })
  form.addEventListener('change', () => labelButton(form))
  form.addEventListener('picked', () => {
    labelButton(form)
    ask()
  })
  document.addEventListener('click', (event) => {
    const at = event.target as HTMLElement
    const chip = at.closest<HTMLElement>('[data-chip]')
    if (chip) accept(form, chip)
    const use = at.closest<HTMLElement>('[data-use-answer]')
    if (use) {
      const text = use.closest('article')?.querySelector('[data-answer-text]')?.textContent ?? ''
      setValue(form, 'reply', text)
      labelButton(form)
      ;(form.elements.namedItem('reply') as HTMLTextAreaElement).focus()
    }
  })
  // Tab takes the next suggestion while one writes; with none left it moves on as ever.
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Tab' || event.shiftKey || event.altKey || event.ctrlKey) return
    if (!(event.target as HTMLElement).matches('[data-help]')) return
    const chip = form.querySelector<HTMLElement>('[data-chip]')
    if (!chip) return
    event.preventDefault()
    accept(form, chip)
  })
  if (value(form, 'content')) ask()
}

function startPlace(root: HTMLElement, form: Form): void {
  const button = form.querySelector<HTMLElement>('[data-locate]')
  button?.addEventListener('click', async () => {
    const body = new FormData()
    body.set('lon', value(form, 'lon'))
    body.set('lat', value(form, 'lat'))
    const answer = await send(root.dataset.placeUrl ?? '', body)
    const found = answer.ok ? ((await answer.json()) as { code: string; path: string }) : { code: '', path: '' }
    const box = pickerOf(form, 'area')
    if (found.code && box) choose(box, { value: found.code, label: found.path } satisfies PickerRow)
    else toast(button.dataset.none ?? '', 'warning')
  })
}

function startPanel(): void {
  const dialog = document.querySelector<HTMLDialogElement>('[data-panel]')
  if (!dialog) return
  document.addEventListener('click', (event) => {
    if ((event.target as HTMLElement).closest('[data-open-panel]') && !dialog.open) dialog.showModal()
  })
  document.addEventListener('htmx:after:swap', () => startPickers(dialog))
}

export function start(): void {
  const root = document.querySelector<HTMLElement>('[data-intake]')
  const form = document.querySelector<Form>('#intake-form')
  if (!root || !form) return
  startPickers()
  const timer = startTimer(root)
  const draft = startDraft(root, form, timer)
  startHelp(form)
  startPlace(root, form)
  startPanel()
  labelButton(form)

  const clear = (): void => {
    form.reset()
    for (const field of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea')) {
      if (field.type === 'checkbox') (field as HTMLInputElement).checked = false
      else if (field.name !== 'csrfmiddlewaretoken') field.value = ''
    }
    for (const select of form.querySelectorAll('select')) {
      select.value = { channel: 'phone', request_type: 'help', urgency: 'normal' }[select.name] ?? ''
    }
    form.querySelector('#chips')?.replaceChildren()
    timer.clear()
    draft.forget()
    labelButton(form)
    document.body.dispatchEvent(new CustomEvent('help'))
    const phone = form.elements.namedItem('caller_phone') as HTMLInputElement
    phone.dispatchEvent(new Event('input', { bubbles: true })) // the caller's history goes too
    phone.focus()
  }
  document.body.addEventListener('hotline:taken', clear)
  form.querySelector('[data-clear]')?.addEventListener('click', () => {
    clear()
    document.querySelector('#outcome')?.replaceChildren()
    void send(root.dataset.draftUrl ?? '', new FormData(form))
  })
}
