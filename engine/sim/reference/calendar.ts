import type { Tumbling } from '../../model/rule.ts'

const HOUR_MS = 3_600_000

/** A tumbling window `[startMs, endMs)`. */
export interface Stretch {
  readonly startMs: number
  readonly endMs: number
}

const lastStretches = new Map<string, Stretch>()

/**
 * The longest stretch of time around `timeMs` over which local time lies in one multiple of the length and, where that is
 * shorter than a day, does not come again.
 */
export function stretchAt(timeMs: number, { lengthMs, zone }: Tumbling): Stretch {
  const name = `${lengthMs} ${zone}`
  const last = lastStretches.get(name)
  if (last && last.startMs <= timeMs && timeMs < last.endMs) return last
  const stretch = { startMs: startBefore(timeMs, lengthMs, zone), endMs: endAfter(timeMs, lengthMs, zone) }
  lastStretches.set(name, stretch)
  return stretch
}

/** Goes on from boundary or change of the clock to the next, until one of them separates two multiples. */
function endAfter(timeMs: number, lengthMs: number, zone: string): number {
  const multiple = (at: number) => Math.floor(localMs(at, zone) / lengthMs)
  for (let at = timeMs; ; ) {
    const regular = (multiple(at) + 1) * lengthMs - offsetMs(at, zone)
    const next = changesOfClock(at, regular, zone)[0] ?? regular
    if (multiple(next) !== multiple(next - 1) || isRepeated(next, lengthMs, zone)) return next
    at = next
  }
}

function startBefore(timeMs: number, lengthMs: number, zone: string): number {
  const multiple = (at: number) => Math.floor(localMs(at, zone) / lengthMs)
  for (let at = timeMs; ; ) {
    const regular = multiple(at) * lengthMs - offsetMs(at, zone)
    const before = changesOfClock(regular, at, zone).at(-1) ?? regular
    if (multiple(before) !== multiple(before - 1) || isRepeated(before, lengthMs, zone)) return before
    at = before - 1
  }
}

function isRepeated(atMs: number, lengthMs: number, zone: string): boolean {
  return lengthMs < 24 * HOUR_MS && localMs(atMs, zone) <= localMs(atMs - 1, zone)
}

/** Moments in `(fromMs, throughMs]` from which on the zone's offset is another one than just before. */
function changesOfClock(fromMs: number, throughMs: number, zone: string): number[] {
  const changes: number[] = []
  for (let hour = Math.floor(fromMs / HOUR_MS) * HOUR_MS; hour < throughMs; hour += HOUR_MS) {
    if (offsetAtHour(hour, zone) === offsetAtHour(hour + HOUR_MS, zone)) continue
    let [before, after] = [hour, hour + HOUR_MS]
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (askedOffsetMs(middle, zone) === offsetAtHour(hour, zone)) before = middle
      else after = middle
    }
    if (after > fromMs && after <= throughMs) changes.push(after)
  }
  return changes
}

function localMs(timeMs: number, zone: string): number {
  return timeMs + offsetMs(timeMs, zone)
}

/** Local time minus UTC. No zone changes its clock twice within an hour. */
function offsetMs(timeMs: number, zone: string): number {
  const hour = Math.floor(timeMs / HOUR_MS) * HOUR_MS
  const offset = offsetAtHour(hour, zone)
  return offset === offsetAtHour(hour + HOUR_MS, zone) ? offset : askedOffsetMs(timeMs, zone)
}

const offsets = new Map<string, Map<number, number>>()

function offsetAtHour(hourMs: number, zone: string): number {
  if (zone === 'UTC') return 0
  const known = offsets.get(zone) ?? new Map<number, number>()
  offsets.set(zone, known)
  const offset = known.get(hourMs) ?? askedOffsetMs(hourMs, zone)
  known.set(hourMs, offset)
  return offset
}

const formats = new Map<string, Intl.DateTimeFormat>()

function askedOffsetMs(timeMs: number, zone: string): number {
  const digits = '2-digit'
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: digits,
      day: digits,
      hour: digits,
      minute: digits,
      second: digits,
    })
  formats.set(zone, format)
  const parts = new Map(format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]))
  const [year, month, day] = ['year', 'month', 'day'].map((p) => parts.get(p as 'year')!) as [number, number, number]
  const [hour, minute, second] = ['hour', 'minute', 'second'].map((p) => parts.get(p as 'hour')!)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(timeMs / 1_000) * 1_000
}
