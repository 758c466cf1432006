import { Calendar } from '../../kit/calendar.ts'
import type { Tumbling } from '../../model/rule.ts'
import type { Memory } from '../../state/memory.ts'
import type { BaselineUse, ClockPlan, WindowPlan } from '../plans.ts'
import type { RuleClass } from '../rule-class.ts'
import { type TumblingFeeds, TumblingWindow } from '../tumbling.ts'

/** The clocks of a rule set and the windows on each, made at the first asking. */
export class Clocks {
  readonly plans: ClockPlan[] = []
  readonly #memory: Memory
  readonly #types: number
  readonly #calendars = new Map<string, Calendar>()

  /** `types`: how many event types there are. */
  constructor(memory: Memory, types: number) {
    this.#memory = memory
    this.#types = types
  }

  /** Index of the clock of a settle. */
  of(settleMs: number): number {
    const known = this.plans.findIndex((c) => c.settleMs === settleMs)
    if (known >= 0) return known
    const clock: ClockPlan = {
      settleMs,
      windows: [],
      tumbling: [],
      rules: [],
      boards: [],
      arrivals: this.#byType(),
      sequences: this.#byType(),
      priors: this.#byType(),
      baselines: this.#byType(),
    }
    return this.plans.push(clock) - 1
  }

  window(clock: number, windowMs: number): WindowPlan {
    const { windows } = this.plans[clock]
    let window = windows.find((w) => w.windowMs === windowMs)
    if (!window) {
      window = {
        windowMs,
        groups: this.#byType(),
        enter: [],
        leave: [],
        touches: this.#byType(),
        takers: this.#byType(),
        retires: this.#byType(),
        baselines: this.#byType(),
        releases: [],
      }
      windows.push(window)
    }
    return window
  }

  tumbling(clock: number, { lengthMs, zone }: Tumbling): TumblingWindow {
    const { tumbling } = this.plans[clock]
    let window = tumbling.find((w) => w.calendar.lengthMs === lengthMs && w.zone === zone)
    if (!window) {
      window = new TumblingWindow(this.#memory, this.calendar(lengthMs, zone), zone)
      window.feeds.push(...this.#byType<TumblingFeeds>())
      window.takers.push(...this.#byType<RuleClass>())
      tumbling.push(window)
    }
    return window
  }

  calendar(lengthMs: number, zone: string): Calendar {
    const key = `${lengthMs} ${zone}`
    const calendar = this.#calendars.get(key) ?? new Calendar(lengthMs, zone)
    this.#calendars.set(key, calendar)
    return calendar
  }

  /** Lets a baseline, or feature, hear of the events of some types before they enter the clock and leave the windows. */
  watch(clock: number, types: readonly number[], slidingMs: readonly number[], use: BaselineUse): void {
    for (const t of types) {
      this.plans[clock].baselines[t].push(use)
      for (const windowMs of slidingMs) this.window(clock, windowMs).baselines[t].push(use)
    }
  }

  /** Longest windows first, as events leave them; no window is asked for after that. */
  sort(): void {
    for (const { windows } of this.plans) windows.sort((a, b) => b.windowMs - a.windowMs)
  }

  #byType<T>(): T[][] {
    return Array.from({ length: this.#types }, () => [])
  }
}
