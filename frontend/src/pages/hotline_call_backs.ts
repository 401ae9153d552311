/** Call-backs: the button says what recording will do; news refresh the queue unless one is filling the form. */

function label(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>('[data-call-act]')
  if (!button) return
  const data = new FormData(form)
  const reached = data.get('contacted')
  const again = data.get('solved') === 'no' || data.get('satisfied') === 'dissatisfied'
  for (const choice of form.querySelectorAll<HTMLElement>('.choice')) {
    const asks = choice.querySelector('input[name="solved"], input[name="satisfied"]')
    if (asks) choice.hidden = reached === '0'
  }
  const words = reached === '0' ? button.dataset.later : again ? button.dataset.redo : reached ? button.dataset.close : ''
  if (words) button.textContent = words
}

export function start(): void {
  document.addEventListener('change', (event) => {
    const form = (event.target as HTMLElement).closest<HTMLFormElement>('#call-form')
    if (form) label(form)
  })
  let wait = 0
  document.body.addEventListener('live:hotline.ticket.moved', () => {
    window.clearTimeout(wait)
    wait = window.setTimeout(() => {
      const form = document.querySelector<HTMLFormElement>('#call-form')
      const busy = form?.querySelector(':checked') || form?.querySelector<HTMLTextAreaElement>('textarea')?.value
      if (!busy) document.body.dispatchEvent(new CustomEvent('calls'))
    }, 1500)
  })
}
