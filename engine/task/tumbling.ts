import type { Calendar } from '../kit/calendar.ts'
import type { Memory } from '../state/memory.ts'
import type { Baseline } from './baseline.ts'
import type { Feed } from './measures.ts'
import type { RulePlan } from './plans.ts'
import type { RuleClass } from './rule-class.ts'

/** What the keys of one key space have in one tumbling window. */
export interface TumblingGroup {
  readonly space: number
  /** Cell, from the key's base, with the epoch that the feeds' cells stand for; 0 = none yet. */
  readonly epochCell: number
  readonly feeds: Feed[]
  /** They take down what the cells say before those are cleared. */
  readonly baselines: Baseline[]
}

/** The feeds of a group that events of one type go to. */
export interface TumblingFeeds {
  readonly window: TumblingWindow
  readonly group: TumblingGroup
  readonly feeds: Feed[]
}

/**
 * One kind of tumbling window on one clock: what its events feed, and which window the clock stands in. Nothing leaves
 * it; each key's cells keep the window's epoch and are cleared when an event enters a later one.
 */
export class TumblingWindow {
  readonly calendar: Calendar
  readonly zone: string
  readonly groups: TumblingGroup[] = []
  /** By type index. */
  readonly feeds: TumblingFeeds[][] = []
  /** By type index: all rules that look at this window. */
  readonly takers: RuleClass[][] = []
  /** Rules whose open episodes are looked at when it ends. */
  readonly enders: RulePlan[] = []
  /** The window `[startMs, endMs)` that the clock stands in, on the clock. */
  startMs = Number.POSITIVE_INFINITY
  endMs = Number.NEGATIVE_INFINITY
  epoch = 0
  /** The epoch that measures are read as of: that of now, but for points of the past. */
  readEpoch = 0
  /** End of the last window that an event entered which some rule took. */
  heldUntilMs = Number.NEGATIVE_INFINITY

  constructor(memory: Memory, calendar: Calendar, zone: string) {
    this.calendar = calendar
    this.zone = zone
    memory.root(
      () => (Number.isFinite(this.heldUntilMs) ? this.heldUntilMs : null),
      (ms: number | null) => {
        this.heldUntilMs = ms ?? Number.NEGATIVE_INFINITY
      },
    )
  }

  moveTo(nowMs: number): void {
    if ((nowMs >= this.startMs && nowMs < this.endMs) || !Number.isFinite(nowMs)) return
    this.startMs = this.calendar.startOf(nowMs)
    this.endMs = this.calendar.endOf(nowMs)
    this.epoch = epochOf(this.startMs)
    this.readEpoch = this.epoch
  }

  /** Measures are read as they stand at the end of the window that holds `ms`. */
  readAt(ms: number): void {
    this.readEpoch = epochOf(this.calendar.startOf(ms))
  }

  readNow(): void {
    this.readEpoch = this.epoch
  }
}

/** A window's start as a number that is never 0 and rises with it. */
export function epochOf(startMs: number): number {
  return startMs >= 0 ? startMs + 1 : startMs
}
