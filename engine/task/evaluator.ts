import type { Chunk } from '../state/chunk.ts'
import { quotientOfSum } from '../state/exact.ts'
import { OPEN_ALERTS } from '../state/key-space.ts'
import type { AlertBook } from './alert-book.ts'
import type { Context } from './context.ts'
import { DueList } from './due-list.ts'
import { passes } from './held-events.ts'
import type { Layout } from './layout.ts'
import type { RulePlan } from './plans.ts'
import { type Ask, generateAsks, type RuleClass } from './rule-class.ts'
import { TouchedKeys } from './touched.ts'

/** One class and its key's state, as it is asked. */
interface Asked {
  readonly entered: readonly Ask[]
  readonly left: readonly Ask[]
  readonly touched: TouchedKeys
}

interface Host {
  readonly layout: Layout
  readonly context: Context
  readonly alerts: AlertBook
  nowMs(clock: number): number
}

/**
 * Finds out which (rule, key) an event may concern: generated functions ask all conditions of a class of rules at once,
 * and the alert book is told of those alone that hold or have an alert. It evaluates them in the order of the rule set.
 */
export class Evaluator {
  readonly #host: Host
  readonly #bitWords: number
  readonly #asked: readonly Asked[]
  /** The first `#touchedCount` of them. */
  readonly #touched: RuleClass[] = []
  #touchedCount = 0
  readonly #ended: { readonly plan: RulePlan; readonly slot: number }[] = []
  /** Indexes of rules that one key is to be looked at for. */
  readonly #due: Int32Array
  /** What departures leave to be looked at when their moment is over. */
  readonly #later = new DueList()

  constructor(host: Host) {
    this.#host = host
    const { layout, alerts } = host
    this.#bitWords = layout.shape.bitWords
    this.#due = new Int32Array(layout.rules.length)
    const asking = { alertsOf: (plan: RulePlan) => alerts.bySlot(plan), sum: quotientOfSum }
    this.#asked = layout.classes.map((c) => ({
      entered: generateAsks(c, asking, false),
      left: generateAsks(c, asking, true),
      touched: new TouchedKeys(),
    }))
  }

  /** The event in `row`, at hand in the context, has entered the windows of these classes. */
  arrived(classes: readonly RuleClass[], chunk: Chunk, at: number, row: number, timeMs: number, nowMs: number): void {
    const { context, layout, alerts } = this.#host
    const due = this.#due
    let n = 0
    for (let c = 0; c < classes.length; c++) {
      const { index, space, filter, plans } = classes[c]
      if (!passes(filter, chunk, at, this.#bitWords)) continue
      const slot = chunk.slots[space][at]
      if (timeMs < nowMs && isMissed(plans[0], timeMs, nowMs)) {
        const hasKey = layout.keyColumns(space).every((column) => chunk.codes[column][at] >= 0)
        if (context.evaluating && hasKey) for (const plan of plans) plan.missed.value++
      } else if (slot < 0 || !context.evaluating) continue
      else if (alerts.measures) for (const plan of plans) due[n++] = plan.index
      else {
        context.setKey(layout.spaces[space], slot)
        const asks = this.#asked[index].entered
        for (let i = 0; i < asks.length; i++) n = asks[i](context.cells, context.base, slot, due, n)
      }
    }
    if (n === 0) return
    if (n > 1) due.subarray(0, n).sort()
    for (let i = 0; i < n; i++) {
      const plan = layout.rules[due[i]]
      alerts.evaluate(plan, chunk.slots[plan.space][at], true, row, nowMs)
    }
  }

  /** The event in `row` has left a window of these classes. `all`: conditions may hold that nobody was told of. */
  left(classes: readonly RuleClass[], chunk: Chunk, at: number, row: number, all: boolean): void {
    for (let c = 0; c < classes.length; c++) {
      const { index, space, filter, rises } = classes[c]
      const slot = chunk.slots[space][at]
      if (slot < 0 || !passes(filter, chunk, at, this.#bitWords)) continue
      if (!rises && !all) {
        const keys = this.#host.layout.spaces[space]
        if (keys.cellsOf(slot)[keys.baseOf(slot) + OPEN_ALERTS] === 0) continue
      }
      const { touched } = this.#asked[index]
      if (touched.size === 0) this.#touched[this.#touchedCount++] = classes[c]
      touched.add(slot, row)
    }
  }

  /** A tumbling window of the rule has ended, in which the key has an open episode. */
  ended(plan: RulePlan, slot: number): void {
    this.#ended.push({ plan, slot })
  }

  /** The moment is over: each (rule, key) once, rules in their order, keys in the order in which the first event left. */
  evaluateTouched(all: boolean): void {
    if (this.#touchedCount > 0) this.#askTouched(all)
    if (this.#ended.length > 0) this.#addEnded()
    if (this.#later.size > 0) this.#evaluateLater()
  }

  #askTouched(all: boolean): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      const touchedClass = this.#touched[i]
      if (this.#host.context.evaluating) this.#askClass(touchedClass, all)
      this.#asked[touchedClass.index].touched.clear()
    }
    this.#touchedCount = 0
  }

  #askClass({ index, space }: RuleClass, all: boolean): void {
    const { context, layout } = this.#host
    const { entered, left, touched } = this.#asked[index]
    const asks = all ? entered : left
    const keys = layout.spaces[space]
    const due = this.#due
    const { slots, rows, size } = touched
    for (let k = 0; k < size; k++) {
      context.setKey(keys, slots[k])
      let n = 0
      for (let i = 0; i < asks.length; i++) n = asks[i](context.cells, context.base, slots[k], due, n)
      for (let i = 0; i < n; i++) this.#later.add(due[i], slots[k], rows[k])
    }
  }

  #addEnded(): void {
    for (const { plan, slot } of this.#ended) {
      if (this.#host.context.evaluating && !this.#later.has(plan.index, slot)) this.#later.add(plan.index, slot, -1)
    }
    this.#ended.length = 0
  }

  #evaluateLater(): void {
    const { layout, alerts } = this.#host
    const { rules, slots, rows } = this.#later
    for (const i of this.#later.inOrder()) {
      const plan = layout.rules[rules[i]]
      alerts.evaluate(plan, slots[i], false, rows[i], this.#host.nowMs(plan.clock))
    }
    this.#later.clear()
  }
}

/** None of the windows of a class, given by one of its rules, holds a late event any more. */
function isMissed(plan: RulePlan, timeMs: number, nowMs: number): boolean {
  return timeMs <= nowMs - plan.longestMs && !plan.tumbling.some((w) => timeMs >= w.startMs)
}
