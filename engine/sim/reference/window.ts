import type { Tumbling } from '../../model/rule.ts'
import { stretchAt } from './calendar.ts'

/** That of a rule or measure: sliding `(t - windowMs, t]`, or the tumbling window that holds `t`. */
export interface Window {
  readonly windowMs: number
  readonly tumbling?: Tumbling
}

/** True when an event of time `timeMs`, not after clock `t`, is in the window as it stands at `t`. */
export function holds(window: Window, timeMs: number, t: number): boolean {
  return window.tumbling ? timeMs >= startOf(window, t) : timeMs > startOf(window, t)
}

export function startOf({ windowMs, tumbling }: Window, t: number): number {
  return tumbling ? stretchAt(t, tumbling).startMs : t - windowMs
}

/** The clock at which an event of time `timeMs` leaves the window, or at which its tumbling window ends. */
export function endFor({ windowMs, tumbling }: Window, timeMs: number): number {
  return tumbling ? stretchAt(timeMs, tumbling).endMs : timeMs + windowMs
}
