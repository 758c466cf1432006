/** What a pattern's letters stand for: digits, at least and at most so many. */
const TOKENS: Readonly<Record<string, readonly [part: Part, least: number, most: number]>> = {
  yyyy: ['year', 4, 4],
  MM: ['month', 2, 2],
  M: ['month', 1, 2],
  dd: ['day', 2, 2],
  d: ['day', 1, 2],
  HH: ['hour', 2, 2],
  H: ['hour', 1, 2],
  mm: ['minute', 2, 2],
  m: ['minute', 1, 2],
  ss: ['second', 2, 2],
  s: ['second', 1, 2],
}
type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'
const NEEDED: readonly Part[] = ['year', 'month', 'day']
const WANTED = 'yyyy, MM or M, dd or d, HH or H, mm or m, ss or s, S (digits of a second)'

/** Local time as if its zone were UTC, in epoch milliseconds; NaN where the text is not in that pattern. */
export type PatternReader = (text: string) => number

/**
 * A reader of times such as `2026-01-05 08:00:01`, or what is wrong with the pattern. Letters are those of Java's
 * DateTimeFormatter: yyyy MM dd HH mm ss, one letter where a leading zero may be missing, S for each digit of a second's
 * fraction (beyond the third they are cut off); text in quotes, and what is no letter, stands for itself.
 */
export function timePattern(pattern: string): PatternReader | { readonly problem: string } {
  const parts: (Part | 'fraction')[] = []
  let source = ''
  for (const [piece] of pattern.matchAll(/'[^']*'|([a-zA-Z])\1*|./gsu)) {
    if (piece.startsWith("'") && piece.length > 1) source += escaped(piece === "''" ? "'" : piece.slice(1, -1))
    else if (/^S{1,9}$/.test(piece)) {
      parts.push('fraction')
      source += `(\\d{${piece.length}})`
    } else if (Object.hasOwn(TOKENS, piece)) {
      const [part, least, most] = TOKENS[piece]!
      parts.push(part)
      source += `(\\d{${least},${most}})`
    } else if (/^[a-zA-Z]/.test(piece)) return { problem: `"${piece}" is none of ${WANTED}` }
    else source += escaped(piece)
  }
  const missing = NEEDED.filter((part) => !parts.includes(part))
  if (missing.length > 0) return { problem: `it has no ${missing.join(' and no ')}: ${WANTED}` }
  if (new Set(parts).size < parts.length) return { problem: 'it has something twice' }
  return readerOf(new RegExp(`^${source}$`), parts)
}

function readerOf(shape: RegExp, parts: readonly (Part | 'fraction')[]): PatternReader {
  const place = (part: Part | 'fraction') => parts.indexOf(part) + 1
  const [year, month, day] = [place('year'), place('month'), place('day')]
  const [hour, minute, second] = [place('hour'), place('minute'), place('second')]
  const fraction = place('fraction')
  return (text) => {
    const found = shape.exec(text)
    if (!found) return Number.NaN
    const at = (index: number) => (index === 0 ? 0 : Number(found[index]))
    if (at(hour) > 23 || at(minute) > 59 || at(second) > 59) return Number.NaN
    const days = new Date(0).setUTCFullYear(at(year), at(month) - 1, at(day))
    const date = new Date(days)
    if (date.getUTCMonth() !== at(month) - 1 || date.getUTCDate() !== at(day)) return Number.NaN
    const ms = fraction === 0 ? 0 : Number(found[fraction]!.padEnd(3, '0').slice(0, 3))
    return days + at(hour) * 3_600_000 + at(minute) * 60_000 + at(second) * 1_000 + ms
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
