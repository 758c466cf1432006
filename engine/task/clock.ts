import type { Cursor, TimeIndex } from '../state/time-index.ts'
import type { ClockPlan, WindowPlan } from './plans.ts'

/** The running half of a clock: where its windows stand in the held events. Times are on the clock (stream time - settle). */
export class Clock {
  readonly plan: ClockPlan
  nowMs = Number.NEGATIVE_INFINITY
  /** One a window, in the plan's order. */
  readonly departures: readonly Cursor[]
  /** With a settle: the events that still wait. */
  readonly entry: Cursor | null
  /** Entries numbered so far, with a settle. */
  entries = 0

  /** `sees`: says of an event's row whether its leaving that window concerns anybody; null = that of all does. */
  constructor(plan: ClockPlan, index: TimeIndex, sees: (window: WindowPlan) => ((row: number) => boolean) | null) {
    this.plan = plan
    this.departures = plan.windows.map((window) => index.addCursor(sees(window)))
    this.entry = plan.settleMs > 0 ? index.addCursor() : null
  }

  moveTo(nowMs: number): void {
    this.nowMs = nowMs
    for (const window of this.plan.tumbling) window.moveTo(nowMs)
  }

  /** Next moment at which an event leaves or enters, or a tumbling window ends that one is in. */
  nextDueMs(): number {
    let due = this.entry === null ? Number.POSITIVE_INFINITY : this.entry.peekTime()
    const { windows, tumbling } = this.plan
    for (let i = 0; i < windows.length; i++) {
      const leaves = this.departures[i].peekTime() + windows[i].windowMs
      if (leaves < due) due = leaves
    }
    for (let i = 0; i < tumbling.length; i++) {
      const { heldUntilMs } = tumbling[i]
      if (heldUntilMs > this.nowMs && heldUntilMs < due) due = heldUntilMs
    }
    return due
  }
}
