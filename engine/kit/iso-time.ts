const ZERO = 48
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Epoch milliseconds of `2026-01-01T08:30:00.123Z`; NaN if `text` is no such time.
 *
 * A blank may stand for the T; seconds and their fraction may be missing, the time of day too (midnight). `+08:00` and
 * `+0800` are zones; no zone means UTC. Digits beyond the millisecond are cut off; second 60 and hour 24 are refused.
 */
export function parseIsoTime(text: string): number {
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 2)
  const day = digits(text, 8, 2)
  if (text[4] !== '-' || text[7] !== '-' || !(month >= 1 && month <= 12 && day >= 1)) return Number.NaN
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > DAYS[month - 1]! + (leap ? 1 : 0) || Number.isNaN(year)) return Number.NaN
  const dayMs = utcDay(year, month, day)
  if (text.length === 10) return dayMs
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  if ((text[10] !== 'T' && text[10] !== ' ' && text[10] !== 't') || text[13] !== ':') return Number.NaN
  if (!(hour < 24 && minute < 60)) return Number.NaN
  let at = 16
  let second = 0
  let fractionMs = 0
  if (text[at] === ':') {
    second = digits(text, at + 1, 2)
    if (!(second < 60)) return Number.NaN
    at += 3
    if (text[at] === '.' || text[at] === ',') {
      const start = ++at
      for (let unit = 100; isDigit(text, at); at++, unit /= 10) if (unit >= 1) fractionMs += unit * digits(text, at, 1)
      if (at === start) return Number.NaN
    }
  }
  return dayMs + hour * 3_600_000 + minute * 60_000 + second * 1_000 + fractionMs - zoneMs(text, at)
}

/** What the zone from `at` to the end adds to UTC; NaN if something else stands there. */
function zoneMs(text: string, at: number): number {
  const rest = text.length - at
  if (rest === 0) return 0
  const sign = text[at]
  if (rest === 1) return sign === 'Z' || sign === 'z' ? 0 : Number.NaN
  if (sign !== '+' && sign !== '-') return Number.NaN
  const hours = digits(text, at + 1, 2)
  const colon = text[at + 3] === ':' ? 1 : 0
  const minutes = rest === 3 ? 0 : digits(text, at + 3 + colon, 2)
  if ((rest !== 3 && rest !== 5 + colon) || !(hours < 24 && minutes < 60)) return Number.NaN
  return (sign === '-' ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000)
}

let cachedDay = -1
let cachedDayMs = 0

/** Date.UTC of a day; the same day as last time is not computed again. */
function utcDay(year: number, month: number, day: number): number {
  const key = (year * 16 + month) * 32 + day
  if (key !== cachedDay) {
    cachedDay = key
    cachedDayMs = new Date(0).setUTCFullYear(year, month - 1, day)
  }
  return cachedDayMs
}

function isDigit(text: string, at: number): boolean {
  const c = text.charCodeAt(at)
  return c >= ZERO && c <= ZERO + 9
}

function digits(text: string, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i++) {
    if (!isDigit(text, i)) return Number.NaN
    value = value * 10 + text.charCodeAt(i) - ZERO
  }
  return value
}
