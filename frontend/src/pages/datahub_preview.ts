/** The preview: a choice is read again by itself (htmx); delivering happens once, however often one clicks. */
export function start(): void {
  readAgainWhatWasChosenEarly()
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

/** A choice made before this page listened (a slow line, or the browser's back button) is read like any other. */
function readAgainWhatWasChosenEarly(): void {
  for (const choice of document.querySelectorAll<HTMLSelectElement>('#look select')) {
    const given = [...choice.options].findIndex((option) => option.defaultSelected)
    if (choice.selectedIndex === Math.max(given, 0)) continue
    window.setTimeout(() => choice.dispatchEvent(new Event('change', { bubbles: true })))
    return
  }
}
