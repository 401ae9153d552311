/** Small helpers; text is always set as text, never as markup. */

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text) element.textContent = text
  return element
}

export function part<T extends Element = HTMLElement>(selector: string): T | null {
  return document.querySelector<T>(selector)
}

const SVG = 'http://www.w3.org/2000/svg'

/** A bar without inline style: the width is an SVG attribute. */
export function bar(share: number): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('class', 'bar')
  svg.setAttribute('viewBox', '0 0 100 4')
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.setAttribute('aria-hidden', 'true')
  for (const [name, width] of [
    ['bar-ground', 100],
    ['bar-fill', Math.max(0, Math.min(100, share))],
  ] as const) {
    const rect = document.createElementNS(SVG, 'rect')
    rect.setAttribute('class', name)
    rect.setAttribute('width', String(width))
    rect.setAttribute('height', '4')
    svg.append(rect)
  }
  return svg
}
