import type { Counters } from '../model/counters.ts'
import type { Definition, Rule, RunningMeasure } from '../model/rule.ts'
import { compileCondition } from '../rules/evaluate/compile.ts'
import { canonical } from './columns.ts'
import type { Context, RowScope } from './context.ts'
import type { Filter, TypePlan } from './plans.ts'

/** The filters of a rule set: what several rules ask alike is asked once an event. */
export class Filters {
  readonly #byKey = new Map<string, Filter>()
  readonly #types: readonly TypePlan[]
  readonly #typeIndex: ReadonlyMap<string, number>
  readonly #context: Context
  readonly #counters: Counters

  constructor(
    types: readonly TypePlan[],
    typeIndex: ReadonlyMap<string, number>,
    context: Context,
    counters: Counters,
  ) {
    this.#types = types
    this.#typeIndex = typeIndex
    this.#context = context
    this.#counters = counters
  }

  get count(): number {
    return this.#byKey.size
  }

  /** The filter of a rule or ranking as a whole, null = takes every event of its types. */
  of(definition: Definition, scope: RowScope): Filter | null {
    const drops = definitionDrops(definition)
    if (!definition.where && !definition.unless && drops.length === 0) return null
    const key = [
      definition.on.join(','),
      canonical(definition.where, definition),
      canonical(definition.unless, definition),
      drops.length > 0 ? `${definition.id}@${definition.version}` : '',
    ].join(' ')
    return this.#filterOf(key, definition, null, () => {
      const where = definition.where ? compileCondition(definition.where, scope) : () => true
      const unless = definition.unless ? compileCondition(definition.unless, scope) : () => false
      const exceptions = drops.map((d) => ({
        untilMs: d.untilMs,
        when: compileCondition(d.when, scope),
        counter: this.#counters.counter('excepted_events_total', { rule: definition.id, exception: d.name }),
      }))
      const context = this.#context
      return () => {
        if (where() !== true || unless() === true) return false
        for (const drop of exceptions) {
          if (context.streamMs < drop.untilMs && drop.when() === true) {
            if (context.evaluating) drop.counter.value++
            return false
          }
        }
        return true
      }
    })
  }

  /** A measure's, or a step's, own `where` within that of its rule; the rule's where it has none. */
  within(definition: Definition, scope: RowScope, rule: Filter | null, where: RunningMeasure['where']): Filter | null {
    if (!where) return rule
    const key = `${rule ? `${rule.word}/${rule.mask}` : definition.on.join(',')} > ${canonical(where, definition)}`
    return this.#filterOf(key, definition, rule, () => {
      const condition = compileCondition(where, scope)
      return () => condition() === true
    })
  }

  #filterOf(key: string, definition: Definition, parent: Filter | null, make: () => () => boolean): Filter {
    let filter = this.#byKey.get(key)
    if (!filter) {
      const n = this.#byKey.size
      filter = { word: n >> 5, mask: (1 << (n & 31)) >>> 0, parent, passes: make() }
      this.#byKey.set(key, filter)
    }
    for (const type of definition.on) {
      const plan = this.#types[this.#typeIndex.get(type) as number]
      if (!plan.filters.includes(filter)) plan.filters.push(filter)
    }
    return filter
  }
}

function definitionDrops(definition: Definition): Rule['exceptions'] {
  const { exceptions } = definition as Partial<Rule>
  return (exceptions ?? []).filter((e) => e.apply === 'drop_event')
}
