/** The form of a rule: only what the chosen kind asks for is shown. Without script all fields stand there. */

export function start(): void {
  const kind = document.querySelector<HTMLSelectElement>('#rule-form [name=kind]')
  const source = document.getElementById('rule-fields')
  if (!kind || !source?.textContent) return
  const fieldsOf = JSON.parse(source.textContent) as Record<string, string[]>
  const own = new Set(Object.values(fieldsOf).flat())

  const show = (): void => {
    const wanted = new Set(fieldsOf[kind.value] ?? [])
    for (const place of document.querySelectorAll<HTMLElement>('[data-rule-field]')) {
      const name = place.dataset.ruleField ?? ''
      place.hidden = own.has(name) && !wanted.has(name)
    }
  }
  kind.addEventListener('change', show)
  show()
}
