const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const TIME_MAX_MS = 8.64e15
/** No zone has ever changed its offset twice within this time. */
const PROBE_MS = 3 * HOUR_MS
const BOUNDS_MAX = 4096
const DAYS_MAX = 20_000

/**
 * Calendar windows of one length in one zone: the longest stretches of time in which local time (UTC + offset, counted
 * from local 1970-01-01T00:00) lies in one multiple of the length. Shorter than a day, they also end where the clock is
 * put back: none holds the same local time twice.
 *
 * Cost    arithmetic in UTC, and for windows within a UTC day without a clock change, once a day was looked at. Else a
 *         binary search among at most 4,096 windows next to each other; what lies beyond them is worked out from the
 *         zone's clock changes, once a window
 */
export class Calendar {
  readonly lengthMs: number
  readonly #offsetAt: ((ms: number) => number) | null
  /** By UTC day: the offset, NaN if it changes on that day. At most 20,000 are remembered. */
  readonly #days = new Map<number, number>()
  /** The day that was asked for last. */
  #day = Number.NaN
  #dayOffset = Number.NaN
  /** Ends of windows without a gap, ascending. */
  #bounds: number[] = []
  /** Place in `#bounds` of the end of the window that was asked for last. */
  #last = 0

  constructor(lengthMs: number, zone: string) {
    this.lengthMs = lengthMs
    this.#offsetAt = zone === 'UTC' ? null : offsetLookup(zone)
  }

  /** First moment of the window that holds `ms`. */
  startOf(ms: number): number {
    if (this.#offsetAt === null) return Math.floor(ms / this.lengthMs) * this.lengthMs
    const start = this.#startWithinDay(ms)
    if (!Number.isNaN(start)) return start
    const end = this.#find(ms)
    return this.#bounds[end - 1]
  }

  /** First moment after the window that holds `ms`. */
  endOf(ms: number): number {
    if (this.#offsetAt === null) return (Math.floor(ms / this.lengthMs) + 1) * this.lengthMs
    const start = this.#startWithinDay(ms)
    if (!Number.isNaN(start)) return start + this.lengthMs
    const end = this.#find(ms)
    return this.#bounds[end]
  }

  /** Start of the window that holds `ms`; NaN unless it lies within a UTC day without a clock change. */
  #startWithinDay(ms: number): number {
    const day = Math.floor(ms / DAY_MS)
    if (day !== this.#day) this.#look(day)
    const start = Math.floor((ms + this.#dayOffset) / this.lengthMs) * this.lengthMs - this.#dayOffset
    return start > day * DAY_MS && start + this.lengthMs < (day + 1) * DAY_MS ? start : Number.NaN
  }

  #look(day: number): void {
    let offset = this.#days.get(day)
    if (offset === undefined) {
      const changes = this.#firstChange(day * DAY_MS, (day + 1) * DAY_MS) !== null
      offset = changes ? Number.NaN : this.#offset(day * DAY_MS)
      if (this.#days.size >= DAYS_MAX) this.#days.clear()
      this.#days.set(day, offset)
    }
    this.#day = day
    this.#dayOffset = offset
  }

  /** Place of the first bound above `ms`, never 0. */
  #find(ms: number): number {
    const bounds = this.#bounds
    const last = this.#last
    if (last > 0 && ms < bounds[last] && ms >= bounds[last - 1]) return last
    const reachMs = (BOUNDS_MAX / 2) * this.lengthMs
    if (bounds.length === 0 || ms < bounds[0] - reachMs || ms >= bounds[bounds.length - 1] + reachMs)
      this.#bounds = [this.#startFrom(ms), this.#endFrom(ms)]
    while (ms < this.#bounds[0]) this.#bounds.unshift(this.#startFrom(this.#bounds[0] - 1))
    while (ms >= this.#bounds[this.#bounds.length - 1]) this.#bounds.push(this.#endFrom(this.#bounds.at(-1) as number))
    if (this.#bounds.length > BOUNDS_MAX)
      this.#bounds =
        ms >= this.#bounds[BOUNDS_MAX / 2] ? this.#bounds.slice(-BOUNDS_MAX) : this.#bounds.slice(0, BOUNDS_MAX)
    this.#last = upperBound(this.#bounds, ms)
    return this.#last
  }

  #index(ms: number): number {
    return Math.floor((ms + this.#offset(ms)) / this.lengthMs)
  }

  #offset(ms: number): number {
    return (this.#offsetAt as (ms: number) => number)(ms)
  }

  #startFrom(ms: number): number {
    const index = this.#index(ms)
    for (let at = ms; ; ) {
      const start = index * this.lengthMs - this.#offset(at)
      const change = this.#lastChange(start, at)
      if (change === null) return start
      if (this.#parts(change) || this.#index(change - 1) !== index) return change
      at = change - 1
    }
  }

  #endFrom(ms: number): number {
    const index = this.#index(ms)
    for (let at = ms; ; ) {
      const end = (index + 1) * this.lengthMs - this.#offset(at)
      const change = this.#firstChange(at, end)
      if (change === null) return end
      if (this.#parts(change) || this.#index(change) !== index) return change
      at = change
    }
  }

  /** True where a change of the clock ends a window by itself. */
  #parts(change: number): boolean {
    return this.lengthMs < DAY_MS && this.#offset(change) < this.#offset(change - 1)
  }

  /** First moment in (fromMs, toMs] with another offset than the moment before it. */
  #firstChange(fromMs: number, toMs: number): number | null {
    for (let low = fromMs; low < toMs; ) {
      const high = Math.min(toMs, low + PROBE_MS)
      if (this.#offset(high) !== this.#offset(low)) return this.#bisect(low, high)
      low = high
    }
    return null
  }

  /** Last moment in [fromMs, toMs] with another offset than the moment before it. */
  #lastChange(fromMs: number, toMs: number): number | null {
    for (let high = toMs; high >= fromMs; ) {
      const low = Math.max(fromMs - 1, high - PROBE_MS)
      if (this.#offset(high) !== this.#offset(low)) return this.#bisect(low, high)
      high = low
    }
    return null
  }

  /** The moment in (low, high] at which the offset changes. */
  #bisect(low: number, high: number): number {
    let before = low
    let after = high
    const offset = this.#offset(low)
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.#offset(middle) === offset) before = middle
      else after = middle
    }
    return after
  }
}

/** What local time is ahead of UTC, in whole seconds' milliseconds; beyond the calendar, as at its edge. */
export function offsetLookup(zone: string): (ms: number) => number {
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
  return (ms) => {
    const second = Math.floor(Math.max(-TIME_MAX_MS, Math.min(TIME_MAX_MS, ms)) / 1000) * 1000
    const parts = Object.fromEntries(format.formatToParts(second).map((p) => [p.type, p.value]))
    const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year)
    const local = new Date(0)
    local.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day))
    local.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second))
    const offset = local.getTime() - second
    return Number.isFinite(offset) ? offset : 0
  }
}

/** Place of the first bound above `ms`. */
function upperBound(bounds: readonly number[], ms: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (bounds[middle] <= ms) low = middle + 1
    else high = middle
  }
  return low
}
