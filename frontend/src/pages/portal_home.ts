/** On a wide screen the filters stand open beside the list; on a phone they wait behind their heading. */
export function start(): void {
  const filters = document.querySelector<HTMLDetailsElement>('[data-test="filters"]')
  if (filters && window.matchMedia('(min-width: 901px)').matches) filters.open = true
}
