import type { Cell } from '../../model/output.ts'
import type { Definition, RunningMeasure } from '../../model/rule.ts'
import { type Event, type FixedPoint, fits } from './event.ts'
import { Abstain, evaluate, type Result, type Scope } from './expression.ts'
import { fixedFromDouble } from './measure.ts'

/** Digits that are kept of a double that comes from no field. */
const LET_SCALE = 6

/** An event as one rule (or ranking) took it: with the rule's `let` values, asked once, when it was read. */
export class TakenEvent {
  readonly event: Event
  readonly scope: Scope
  /** Values of `by` (or `per`). */
  readonly key: Readonly<Record<string, Cell>>
  /** Two events have the same key when this text is the same. */
  readonly keyText: string

  /** `world`: the lists, and what features say as the event is read. */
  constructor(
    event: Event,
    definition: Definition,
    keyNames: readonly string[],
    world: Pick<Scope, 'lists' | 'features'>,
  ) {
    const lets = new Map<string, Cell>()
    const scope = { event, lets, measures: new Map(), key: {}, params: definition.params, ...world }
    this.event = event
    this.scope = scope
    for (const { name, expression } of definition.lets) lets.set(name, letValue(evaluate(expression, scope)))
    this.key = this.cells(keyNames)
    this.keyText = JSON.stringify(keyNames.map((name) => this.identity(name)))
    this.scope = { ...scope, key: this.key }
  }

  get hasNullInKey(): boolean {
    return Object.values(this.key).includes(null)
  }

  /** Value of a field or let. */
  cell(name: string): Cell {
    const { lets } = this.scope
    return lets.has(name) ? (lets.get(name) as Cell) : (this.event.fields.get(name) ?? null)
  }

  /** True for a field of decimals. */
  isDecimal(name: string): boolean {
    return !this.scope.lets.has(name) && this.event.decimals.has(name)
  }

  /** The same for equal values only: decimals by their digits. */
  identity(name: string): Cell {
    const decimal = this.isDecimal(name) ? this.event.decimals.get(name) : null
    return decimal ? `${decimal.digits}e-${decimal.scale}` : this.cell(name)
  }

  cells(names: readonly string[]): Record<string, Cell> {
    return Object.fromEntries(names.map((name) => [name, this.cell(name)]))
  }

  /** Value of a numeric field or let for exact sums. */
  fixedPoint(name: string): FixedPoint | null {
    const value = this.cell(name)
    if (value === null) return null
    const isLet = this.scope.lets.has(name)
    if (!isLet && this.event.decimals.has(name)) return this.event.decimals.get(name)!
    const field = this.event.stream.fields.find((f) => f.name === name)
    return fixedFromDouble(value as number, isLet ? LET_SCALE : field!.scale)
  }

  isKept(definition: Definition): boolean {
    if (definition.where && evaluate(definition.where, this.scope) !== true) return false
    return !(definition.unless && evaluate(definition.unless, this.scope) === true)
  }

  isMeasuredBy(measure: RunningMeasure): boolean {
    return measure.where === null || evaluate(measure.where, this.scope) === true
  }
}

/** A `let` is a value as that of a field: one that abstains is null, and so is a number that does not fit. */
function letValue(result: Result): Cell {
  if (result instanceof Abstain) return null
  return typeof result === 'number' && !fits(result, LET_SCALE) ? null : (result as Cell) // no let is a list
}
