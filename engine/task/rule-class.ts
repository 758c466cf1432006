import type { SumOfCells } from '../rules/evaluate/generate.ts'
import { OPEN_ALERTS } from '../state/key-space.ts'
import type { Filter, RulePlan } from './plans.ts'

/** Rules of one function: more fall off V8's optimiser. */
const RULES_A_FUNCTION = 32

/** Rules that take the same events into the same windows of the same keys: one look at a key serves them all. */
export interface RuleClass {
  readonly index: number
  readonly space: number
  readonly clock: number
  readonly filter: Filter | null
  /** In the order of the rule set. */
  readonly plans: RulePlan[]
  /** Some rule's condition may become true as an event leaves. */
  rises: boolean
}

/**
 * Asks the conditions of some rules of the key whose cells begin at `base`. Those that hold, or whose key has an alert,
 * are written to `due` by their index, from `n` on; abstentions of the others are counted. Returns the end in `due`.
 */
export type Ask = (cells: Float64Array, base: number, slot: number, due: Int32Array, n: number) => number

interface Host {
  /** Open alerts by slot. */
  readonly alertsOf: (plan: RulePlan) => ReadonlyMap<number, unknown>
  readonly sum: SumOfCells
}

/** One function for each 32 rules of a class. `left`: the event left, rules that only rise on arrival are not asked. */
export function generateAsks({ plans }: RuleClass, host: Host, left: boolean): Ask[] {
  const asks: Ask[] = []
  for (let i = 0; i < plans.length; i += RULES_A_FUNCTION) {
    asks.push(generateAsk(plans.slice(i, i + RULES_A_FUNCTION), host, left))
  }
  return asks
}

function generateAsk(plans: readonly RulePlan[], { alertsOf, sum }: Host, left: boolean): Ask {
  const asked = plans.map((plan, i) => {
    const hasAlert = `open && alerts[${i}].has(slot)`
    if (left && plan.falls) return `if (${hasAlert}) due[n++] = ${plan.index}`
    const { declarations, code } = plan.condition
    return `{
  const f = closures[${i}], reason = reasons[${i}]
  ${declarations}
  const r = ${code}
  if (r === 1 || (${hasAlert})) due[n++] = ${plan.index}
  else if (r !== 0) abstained[${i}][r - 2].value++
}`
  })
  const text = `return (cells, base, slot, due, n) => {
const open = cells[base + ${OPEN_ALERTS}] !== 0
${asked.join('\n')}
return n }`
  const make = new Function('closures', 'reasons', 'abstained', 'alerts', 'sum', text)
  const of = plans.map((plan) => plan.condition)
  const abstained = plans.map((plan) => plan.abstained)
  return make(
    of.map((c) => c.closures),
    of.map((c) => c.reason),
    abstained,
    plans.map(alertsOf),
    sum,
  )
}
