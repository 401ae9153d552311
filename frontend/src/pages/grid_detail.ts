/** A report's page reads itself again when the report moves. */

export function start(): void {
  const article = document.querySelector<HTMLElement>('[data-report]')
  document.body.addEventListener('live:grid.report.moved', (event) => {
    const moved = (event as CustomEvent<{ report_id?: number; body?: { report_id?: number } }>).detail
    const id = moved.report_id ?? moved.body?.report_id
    if (String(id) === article?.dataset.report) window.location.reload()
  })
}
