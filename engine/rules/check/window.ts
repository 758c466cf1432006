import { formatDuration } from '../../kit/duration.ts'
import { isZone } from '../../kit/local-time.ts'
import type { Tumbling } from '../../model/rule.ts'
import { TUMBLING_KEYS } from '../shape/measures.ts'
import type { Reader } from '../source/read.ts'
import { nearest } from '../source/suggest.ts'
import { entryOf, type MapNode, type Node } from '../source/tree.ts'
import { DAY_MS, durationOf, WINDOW_MAX_MS, windowOf } from '../source/values.ts'

const UTC = 'UTC'
/** The most by which changes of clock make a window longer than its length says. */
const CLOCK_CHANGES_MS = 3 * 3_600_000

/** `tumbling` of a sliding window is left out. */
export interface Window {
  readonly windowMs: number
  readonly tumbling?: Tumbling
}

/** `1h`, or `{ tumbling: 1d, zone: Asia/Shanghai }`; null after a fault. */
export function checkWindow(read: Reader, node: Node): Window | null {
  if (node.kind !== 'map') {
    const windowMs = windowOf(read, node, 'window')
    return windowMs === null ? null : { windowMs }
  }
  const sliding = entryOf(node, 'sliding')
  if (sliding) {
    const written = sliding.value.kind === 'scalar' ? sliding.value.text : '1h'
    const message = 'the window of a rule slides if nothing else is said'
    return read.fault('unknown-key', sliding.keySpan, message, `write window: ${written}`)
  }
  return checkTumbling(read, node)
}

function checkTumbling(read: Reader, node: MapNode): Window | null {
  if (node.entries.length === 0) return read.fault('wrong-value', node, 'window is a duration', 'such as 1h')
  read.keys(node, Object.keys(TUMBLING_KEYS), 'of window')
  const at = node.entries[0].keySpan
  const lengthNode = read.required(node, 'tumbling', at, 'a calendar window')
  const lengthMs = lengthNode && durationOf(read, lengthNode, 'tumbling', 1_000, Number.MAX_SAFE_INTEGER)
  const zoneNode = entryOf(node, 'zone')?.value
  const zone = zoneNode ? checkZone(read, zoneNode) : UTC
  if (!lengthNode || lengthMs === null || !fitsCalendar(read, lengthNode, 'tumbling', lengthMs) || zone === null)
    return null
  return { windowMs: lengthMs + (zone === UTC ? 0 : CLOCK_CHANGES_MS), tumbling: { lengthMs, zone } }
}

/** True if windows or steps of that length tile the calendar; else a fault with the lengths next to it. */
export function fitsCalendar(read: Reader, node: Node, what: string, lengthMs: number): boolean {
  if (lengthMs > WINDOW_MAX_MS) {
    read.fault('window-too-long', node, `${what} is longer than ${formatDuration(WINDOW_MAX_MS)}`)
    return false
  }
  if (DAY_MS % lengthMs === 0 || lengthMs % DAY_MS === 0) return true
  const message = `${what} divides a day, or is a whole number of days: ${formatDuration(lengthMs)} is neither`
  const [shorter, longer] = neighbours(lengthMs).map(formatDuration)
  read.fault('out-of-range', node, message, `${shorter} or ${longer} would do`)
  return false
}

function neighbours(lengthMs: number): [number, number] {
  if (lengthMs > DAY_MS) {
    const days = Math.floor(lengthMs / DAY_MS)
    return [days * DAY_MS, Math.min(days + 1, WINDOW_MAX_MS / DAY_MS) * DAY_MS]
  }
  let parts = Math.ceil(DAY_MS / lengthMs)
  while (!isNeat(parts)) parts += 1
  let fewer = Math.floor(DAY_MS / lengthMs)
  while (!isNeat(fewer)) fewer -= 1
  return [DAY_MS / parts, DAY_MS / fewer]
}

/** A day in so many parts has parts of whole seconds. */
function isNeat(parts: number): boolean {
  return DAY_MS % (parts * 1_000) === 0
}

function checkZone(read: Reader, node: Node): string | null {
  const zone = read.text(node, 'zone')
  if (zone === null || isZone(zone)) return zone
  const meant = nearest(zone, Intl.supportedValuesOf('timeZone'))
  const hint = meant === null ? 'such as "Asia/Shanghai" or "UTC"' : `did you mean "${meant}"?`
  return read.fault('bad-zone', node, `there is no time zone ${JSON.stringify(zone)}`, hint)
}
