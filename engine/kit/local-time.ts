import { offsetLookup } from './calendar.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Offsets from UTC change at whole quarters of an hour only. */
const QUARTER_MS = HOUR_MS / 4
const QUARTERS_MAX = 20_000

/**
 * From local time to epoch milliseconds in one zone. `localMs` counts as if the zone were UTC.
 *
 * Repeated  where the clock goes back, an hour is there twice: its first time is taken
 * Skipped   where it goes forward, what the hour left out would have been without the change
 * Cost      zone data once a quarter of an hour, of which at most 20,000 are remembered
 */
export function localTime(zone: string): (localMs: number) => number {
  if (zone === 'UTC') return (localMs) => localMs
  const offsetAt = offsetLookup(zone)
  const known = new Map<number, number>()
  let lastQuarter = Number.NaN
  let lastOffset = 0
  return (localMs) => {
    const quarter = Math.floor(localMs / QUARTER_MS)
    if (quarter === lastQuarter || !Number.isFinite(localMs)) return localMs - lastOffset
    let offset = known.get(quarter)
    if (offset === undefined) {
      offset = offsetOfLocal(offsetAt, quarter * QUARTER_MS)
      if (known.size >= QUARTERS_MAX) known.clear()
      known.set(quarter, offset)
    }
    lastQuarter = quarter
    lastOffset = offset
    return localMs - offset
  }
}

/** By the offsets a day before and a day after: the first that was in force at the moment that it makes. */
function offsetOfLocal(offsetAt: (ms: number) => number, localMs: number): number {
  const before = offsetAt(localMs - DAY_MS)
  const after = offsetAt(localMs + DAY_MS)
  return before === after || offsetAt(localMs - before) === before || offsetAt(localMs - after) !== after
    ? before
    : after
}

/** True for a name that the zone database knows. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone !== ''
  } catch {
    return false
  }
}
