import type { RulePlan } from '../plans.ts'
import type { RuleClass } from '../rule-class.ts'
import type { Clocks } from './clocks.ts'
import type { EventTypes } from './event-types.ts'

/** Puts rules beside those that take the same events into the same windows of the same keys. */
export class RuleClasses {
  readonly all: RuleClass[] = []
  readonly #types: EventTypes
  readonly #clocks: Clocks
  readonly #byKey = new Map<string, RuleClass>()

  constructor(types: EventTypes, clocks: Clocks) {
    this.#types = types
    this.#clocks = clocks
  }

  add(plan: RulePlan, slidingMs: readonly number[]): void {
    const { space, clock, filter, rule, tumbling } = plan
    const own = this.#clocks.plans[clock]
    const key = JSON.stringify([
      [space, clock, filter?.word, filter?.mask, rule.evaluate, ...rule.on],
      [...slidingMs].sort((a, b) => a - b),
      tumbling.map((w) => own.tumbling.indexOf(w)).sort((a, b) => a - b),
    ])
    const known = this.#byKey.get(key)
    if (known) {
      known.plans.push(plan)
      known.rises ||= !plan.falls
      return
    }
    const made: RuleClass = { index: this.all.length, space, clock, filter, plans: [plan], rises: !plan.falls }
    this.#byKey.set(key, made)
    this.all.push(made)
    for (const t of this.#types.of(rule)) {
      own.arrivals[t].push(made)
      for (const window of tumbling) window.takers[t].push(made)
      for (const windowMs of slidingMs) {
        const window = this.#clocks.window(clock, windowMs)
        window.takers[t].push(made)
        if (rule.evaluate === 'every_change') window.touches[t].push(made)
      }
    }
  }
}
