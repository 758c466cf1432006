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

/** True for a name that the zone database knows. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone !== ''
  } catch {
    return false
  }
}

const clocks = new Map<string, ZoneClock>()

/** The clock of an IANA zone. Looks an offset up once a quarter of an hour and remembers at most 20,000 of them. */
export function zoneClock(zone: string): ZoneClock {
  let clock = clocks.get(zone)
  if (!clock) {
    const offset = zone === 'UTC' ? () => 0 : offsetLookup(zone)
    clock = {
      hour: (ms) => (inCalendar(ms) ? Math.floor(mod(ms + offset(ms), DAY_MS) / HOUR_MS) : Number.NaN),
      // 1970-01-01 was a Thursday
      weekday: (ms) => (inCalendar(ms) ? mod(Math.floor((ms + offset(ms)) / DAY_MS) + 4, 7) : Number.NaN),
    }
    clocks.set(zone, clock)
  }
  return clock
}

function offsetLookup(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const known = new Map<number, number>()
  let lastQuarter = Number.NaN
  let lastOffset = 0
  return (ms) => {
    const quarter = Math.floor(ms / QUARTER_MS)
    if (quarter === lastQuarter) return lastOffset
    let offset = known.get(quarter)
    if (offset === undefined) {
      offset = offsetAt(format, quarter * QUARTER_MS)
      if (known.size >= QUARTERS_MAX) known.clear()
      known.set(quarter, offset)
    }
    lastQuarter = quarter
    lastOffset = offset
    return offset
  }
}

function offsetAt(format: Intl.DateTimeFormat, ms: number): number {
  const at = Math.max(-TIME_MAX_MS, ms)
  const parts = Object.fromEntries(format.formatToParts(at).map((p) => [p.type, p.value]))
  const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year)
  const local = new Date(0)
  local.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day))
  local.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second))
  const offset = local.getTime() - at
  return Number.isFinite(offset) ? Math.round(offset / 1000) * 1000 : 0
}

function inCalendar(ms: number): boolean {
  return ms > -TIME_MAX_MS && ms < TIME_MAX_MS
}

function mod(a: number, b: number): number {
  return a - Math.floor(a / b) * b
}
