/** The shapes of the four levels, drawn as small pictures: diamond, triangle, square, disc. */

export const LEVEL_COLOURS: Record<number, string> = { 1: '#E5484D', 2: '#F76B15', 3: '#F5B700', 4: '#3E7BFA' }

export function levelImage(level: number, size: number): ImageData {
  const side = Math.max(12, Math.round(size))
  const canvas = document.createElement('canvas')
  canvas.width = side
  canvas.height = side
  const pen = canvas.getContext('2d') as CanvasRenderingContext2D
  const middle = side / 2
  const reach = middle - 2
  pen.beginPath()
  if (level === 1) {
    pen.moveTo(middle, middle - reach)
    pen.lineTo(middle + reach, middle)
    pen.lineTo(middle, middle + reach)
    pen.lineTo(middle - reach, middle)
  } else if (level === 2) {
    pen.moveTo(middle, middle - reach)
    pen.lineTo(middle + reach, middle + reach * 0.85)
    pen.lineTo(middle - reach, middle + reach * 0.85)
  } else if (level === 3) {
    pen.rect(middle - reach * 0.8, middle - reach * 0.8, reach * 1.6, reach * 1.6)
  } else {
    pen.arc(middle, middle, reach * 0.85, 0, Math.PI * 2)
  }
  pen.closePath()
  pen.fillStyle = LEVEL_COLOURS[level] ?? '#8AA0BC'
  pen.fill()
  pen.lineWidth = 1.5
  pen.strokeStyle = '#0B1626'
  pen.stroke()
  return pen.getImageData(0, 0, side, side)
}
