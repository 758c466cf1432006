import { formatDuration, parseDuration } from '../../kit/duration.ts'
import type { Reader } from './read.ts'
import type { Span } from './text.ts'
import type { Node } from './tree.ts'

export const DAY_MS = 86_400_000
export const WINDOW_MAX_MS = 31 * DAY_MS

/** A duration from `least` on; 0 may stand without unit. */
export function durationOf(read: Reader, node: Node, what: string, least: number, most: number): number | null {
  const scalar = read.scalar(node, what)
  if (!scalar) return null
  const ms = scalar.value === 0 ? 0 : parseDuration(scalar.text)
  if (ms === null) {
    const hint =
      typeof scalar.value === 'number'
        ? `with its unit: ${scalar.text}s or ${scalar.text}m`
        : 'such as 90s, 15m, 1h or 7d'
    return read.fault('bad-duration', node, `${what} is not a duration: ${JSON.stringify(scalar.text)}`, hint)
  }
  if (ms < least) return read.fault('out-of-range', node, `${what} is at least ${formatDuration(least)}`)
  if (ms > most) return read.fault('out-of-range', node, `${what} is at most ${formatDuration(most)}`)
  return ms
}

export function windowOf(read: Reader, node: Node, what: string): number | null {
  const ms = durationOf(read, node, what, 1, Number.MAX_SAFE_INTEGER)
  if (ms === null || ms <= WINDOW_MAX_MS) return ms
  return read.fault('window-too-long', node, `${what} is longer than ${formatDuration(WINDOW_MAX_MS)}`)
}

/** A moment of a test: an offset from its start, which may be negative. */
export function offsetOf(read: Reader, node: Node, what: string): number | null {
  const scalar = read.scalar(node, what)
  if (!scalar) return null
  const negative = scalar.text.startsWith('-')
  const ms = scalar.value === 0 ? 0 : parseDuration(negative ? scalar.text.slice(1) : scalar.text)
  if (ms !== null && ms <= 400 * DAY_MS) return negative ? -ms : ms
  return read.fault(
    'bad-duration',
    node,
    `${what} is an offset from the start of the test`,
    'such as 0m, 40m, 90s or -5m',
  )
}

export const DATE_PATTERN = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?Z?)?$/

/** A date or a date with time, UTC -> epoch ms. A date alone is its first moment. */
export function dateOf(read: Reader, node: Node, what: string): number | null {
  const scalar = read.scalar(node, what)
  if (!scalar) return null
  const parts = DATE_PATTERN.exec(scalar.text)
  if (parts) {
    const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((p) => Number(p ?? 0))
    const ms = Date.UTC(year, month - 1, day, hour, minute, second, Number((parts[7] ?? '0').padEnd(3, '0')))
    const back = new Date(ms)
    const real =
      back.getUTCMonth() === month - 1 && back.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
    if (real && year >= 1970) return ms
  }
  return read.fault('bad-date', node, `${what} is a date in UTC`, 'such as 2027-12-31 or 2027-12-31T18:00Z')
}

/** Words that cannot name anything: CEL's own and the roots of our scopes. */
export const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while event key params lists features __proto__ prototype constructor'.split(
    ' ',
  ),
)

export const NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/
/** Of rules, rankings and lists. */
export const ID_PATTERN = /^[a-z][a-z0-9_]{0,63}$/

export function goodName(read: Reader, name: string, span: Span, what: string): boolean {
  if (!NAME_PATTERN.test(name)) {
    const hint = 'letters, digits and "_", no digit first, at most 64'
    read.fault('bad-name', span, `"${name}" cannot name ${what}`, hint)
    return false
  }
  if (!RESERVED.has(name)) return true
  read.fault('bad-name', span, `"${name}" is a reserved word and cannot name ${what}`)
  return false
}
