import { Heap } from '../kit/heap.ts'
import type { Alert } from './alert.ts'
import type { AlertPlan } from './alert-plan.ts'
import type { Context } from './context.ts'

/** A moment at which an alert closes, or (its episode still open) merely its cooldown is over. */
interface Closing {
  /** On the rule's clock; it may turn out to be later. */
  readonly atMs: number
  readonly atStreamMs: number
  readonly alert: Alert
  readonly plan: AlertPlan
  readonly slot: number
}

/** When alerts close: a heap in which an alert whose moment moved on is looked at again when the old one comes. */
export class Closings {
  readonly #context: Context
  readonly #heap = new Heap<Closing>(closesBefore)
  /** The closing of each alert that stands first in `#heap`. */
  readonly #firstOf = new Map<Alert, Closing>()

  constructor(context: Context) {
    this.#context = context
  }

  schedule(plan: AlertPlan, slot: number, alert: Alert): void {
    const atMs = alert.closesAtMs === Number.POSITIVE_INFINITY ? alert.cooldownUntilMs : alert.closesAtMs
    const atStreamMs = atMs + plan.rule.settleMs
    if (alert.episodeOpen && atStreamMs <= this.#context.streamMs) return
    const first = this.#firstOf.get(alert)
    if (first && first.atStreamMs <= atStreamMs) return // looked at again when its moment comes
    const closing = { atMs, atStreamMs, alert, plan, slot }
    this.#firstOf.set(alert, closing)
    this.#heap.push(closing)
  }

  /** Earliest moment, in stream time, at which an alert closes unless something happens before; or Infinity. */
  nextMs(): number {
    for (;;) {
      const next = this.#heap.peek()
      if (!next) return Number.POSITIVE_INFINITY
      if (isCurrent(next)) return next.atStreamMs
      this.pop()
      if (next.alert.status !== 'closed') this.schedule(next.plan, next.slot, next.alert)
    }
  }

  /** Takes out the one that `nextMs` stands for. */
  pop(): Closing {
    const closing = this.#heap.pop() as Closing
    if (this.#firstOf.get(closing.alert) === closing) this.#firstOf.delete(closing.alert)
    return closing
  }

  /** The alert is closed. */
  forget(alert: Alert): void {
    this.#firstOf.delete(alert)
  }
}

function isCurrent({ alert, atMs }: Closing): boolean {
  if (alert.status === 'closed') return false
  return alert.closesAtMs === atMs || (alert.episodeOpen && alert.cooldownUntilMs === atMs)
}

function closesBefore(a: Closing, b: Closing): boolean {
  return a.atStreamMs !== b.atStreamMs ? a.atStreamMs < b.atStreamMs : byTurn(a, b) < 0
}

/** Rules in their order, alerts of one in the order of their opening. */
export function byTurn(a: { plan: AlertPlan; alert: Alert }, b: { plan: AlertPlan; alert: Alert }): number {
  return a.plan.rule === b.plan.rule ? a.alert.sequence - b.alert.sequence : a.plan.index - b.plan.index
}
