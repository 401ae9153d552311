/** Numbers and times as an official writes them. */

const chinese = document.documentElement.lang.toLowerCase().startsWith('zh')
const locale = chinese ? 'zh-CN' : 'en-GB'
const plain = new Intl.NumberFormat(locale)
const short = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 })

export const exact = (value: number): string => plain.format(value)

/** Over ten thousand in 万 and 亿 (in English thousands and millions), two decimals at most. */
export function big(value: number): string {
  const steps: [number, number, string][] = chinese
    ? [
        [1e8, 1e8, '亿'],
        [1e4, 1e4, '万'],
      ]
    : [
        [1e6, 1e6, 'M'],
        [1e4, 1e3, 'k'],
      ]
  for (const [limit, unit, word] of steps) {
    if (Math.abs(value) >= limit) return short.format(value / unit) + word
  }
  return plain.format(value)
}

/** 99.45, without the sign; null where nothing was counted. */
export function percent(part: number, whole: number): string | null {
  if (!whole) return null
  const rate = (100 * part) / whole
  return rate === 100 || rate === 0 ? String(rate) : rate.toFixed(rate >= 10 ? 1 : 2)
}

const clock = new Intl.DateTimeFormat('zh-CN', {
  hour: '2-digit',
  minute: '2-digit',
  hour12: false,
  timeZone: 'Asia/Shanghai',
})
const seconds = new Intl.DateTimeFormat('zh-CN', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
  timeZone: 'Asia/Shanghai',
})
const day = new Intl.DateTimeFormat(locale, {
  month: chinese ? 'long' : 'short',
  day: 'numeric',
  weekday: 'short',
  timeZone: 'Asia/Shanghai',
})

export const hourMinute = (at: Date): string => clock.format(at)
export const hourMinuteSecond = (at: Date): string => seconds.format(at)
export const dayWords = (at: Date): string => day.format(at)

const monthDay = new Intl.DateTimeFormat(locale, {
  month: chinese ? 'numeric' : 'short',
  day: 'numeric',
  timeZone: 'Asia/Shanghai',
})

/** 14:05 today, 11/19 before: a list of news needs no more. */
export function shortTime(at: Date): string {
  return monthDay.format(at) === monthDay.format(new Date()) ? clock.format(at) : monthDay.format(at)
}
export const fullTime = (at: Date): string => `${day.format(at)} ${seconds.format(at)}`

/** Pixels for `rem` on this screen: canvases (charts, map) must grow with the wall as the rest does. */
export const px = (rem: number): number =>
  rem * Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
