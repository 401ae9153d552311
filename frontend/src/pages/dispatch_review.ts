/** The review page: what units hand in appears by itself, unless a decision is just being written. */

const CALM_MS = 1_000

export function start(): void {
  const list = document.getElementById('review-list')
  if (!list) return
  let timer = 0

  const refresh = (): void => {
    const writing = [...list.querySelectorAll('textarea')].some((field) => field.value !== field.defaultValue)
    if (writing || list.contains(document.activeElement)) return
    list.dispatchEvent(new CustomEvent('review-moved'))
  }
  document.body.addEventListener('live:dispatch.order.moved', () => {
    window.clearTimeout(timer)
    timer = window.setTimeout(refresh, CALM_MS)
  })
  document.body.addEventListener('live:joined', refresh)
}
