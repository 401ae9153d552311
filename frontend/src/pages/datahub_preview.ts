/** The preview: a choice is read again by itself (htmx); delivering happens once, however often one clicks. */
export function start(): void {
  document.addEventListener('submit', (event) => {
    const button = (event as SubmitEvent).submitter
    if (!(button instanceof HTMLButtonElement) || !('once' in button.dataset)) return
    // After this event: a disabled button would not send its own name.
    window.setTimeout(() => {
      button.disabled = true
    })
  })
  // Coming back by the browser's button must find the page usable.
  window.addEventListener('pageshow', () => {
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-once]')) button.disabled = false
  })
}
