import { offsetLookup } from '../../kit/calendar.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Offsets from UTC change at whole quarters of an hour only. */
const QUARTER_MS = 900_000
const QUARTERS_MAX = 20_000
const TIME_MAX_MS = 8.64e15

/** Local hour (0 to 23) and weekday (0 = Sunday to 6 = Saturday) of an epoch time; NaN beyond the calendar. */
export interface ZoneClock {
  readonly hour: (ms: number) => number
  readonly weekday: (ms: number) => number
}

const clocks = new Map<string, ZoneClock>()

/** The clock of an IANA zone. Looks an offset up once a quarter of an hour and remembers at most 20,000 of them. */
export function zoneClock(zone: string): ZoneClock {
  let clock = clocks.get(zone)
  if (!clock) {
    const offset = zone === 'UTC' ? () => 0 : quarterOffsets(zone)
    clock = {
      hour: (ms) => (inCalendar(ms) ? Math.floor(mod(ms + offset(ms), DAY_MS) / HOUR_MS) : Number.NaN),
      // 1970-01-01 was a Thursday
      weekday: (ms) => (inCalendar(ms) ? mod(Math.floor((ms + offset(ms)) / DAY_MS) + 4, 7) : Number.NaN),
    }
    clocks.set(zone, clock)
  }
  return clock
}

function quarterOffsets(zone: string): (ms: number) => number {
  const offsetAt = offsetLookup(zone)
  const known = new Map<number, number>()
  let lastQuarter = Number.NaN
  let lastOffset = 0
  return (ms) => {
    const quarter = Math.floor(ms / QUARTER_MS)
    if (quarter === lastQuarter) return lastOffset
    let offset = known.get(quarter)
    if (offset === undefined) {
      offset = offsetAt(quarter * QUARTER_MS)
      if (known.size >= QUARTERS_MAX) known.clear()
      known.set(quarter, offset)
    }
    lastQuarter = quarter
    lastOffset = offset
    return offset
  }
}

function inCalendar(ms: number): boolean {
  return ms > -TIME_MAX_MS && ms < TIME_MAX_MS
}

function mod(a: number, b: number): number {
  return a - Math.floor(a / b) * b
}
