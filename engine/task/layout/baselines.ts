import type { Value } from '../../model/expression.ts'
import { type BaselineMeasure, isRunning, type Measure, type Rule, type RunningMeasure } from '../../model/rule.ts'
import type { KeySpace } from '../../state/key-space.ts'
import { BASELINE_CELLS, Baseline } from '../baseline.ts'
import { canonical } from '../columns.ts'
import type { RowScope } from '../context.ts'
import type { BaselinePlan } from '../plans.ts'
import { readRatio, scaleOfMeasure } from '../ratio.ts'
import type { Draft } from './draft.ts'
import { placeOf, type Selection, slidingOf, tumblingOf } from './place.ts'

type Readers = Map<string, () => Value>

/** What each baseline measure is read by, as `<measure>.<part>`. */
export const BASELINE_PARTS = ['mean', 'stddev', 'points'] as const

/** The baselines of a rule set: rules that ask alike share one. */
export class Baselines {
  /** By rule and name. */
  readonly plans = new Map<string, BaselinePlan>()
  readonly #draft: Draft
  readonly #byKey = new Map<string, BaselinePlan>()

  constructor(draft: Draft) {
    this.#draft = draft
  }

  /** Makes a measure's baseline and adds what reads it to `readers`. */
  add(rule: Rule, at: Selection, measure: BaselineMeasure, readers: Readers, scope: RowScope): void {
    const plan = this.#of(rule, at, measure, readers)
    this.plans.set(`${rule.id}@${rule.version}#${rule.hash}/${measure.name}`, plan)
    const { baseline } = plan
    const { settleMs } = rule
    const { context } = this.#draft
    const enough = (read: (nowMs: number) => number) => (): Value => {
      const nowMs = context.streamMs - settleMs
      if (baseline.points(nowMs) >= measure.minPoints) return read(nowMs)
      scope.reason = 'minimum_sample'
      return undefined
    }
    readers.set(`${measure.name}.points`, () => baseline.points(context.streamMs - settleMs))
    readers.set(
      `${measure.name}.mean`,
      enough((nowMs) => baseline.mean(nowMs)),
    )
    readers.set(
      `${measure.name}.stddev`,
      enough((nowMs) => baseline.stddev(nowMs)),
    )
  }

  /** The key spaces are there. */
  bind(spaces: readonly KeySpace[]): void {
    for (const { baseline, space } of this.#byKey.values()) baseline.space = spaces[space]
  }

  /** The baseline of (space, clock, rule's filter, measure, over, step), made at the first asking. */
  #of(
    rule: Rule,
    at: Selection,
    { of, overMs, stepMs, zone }: BaselineMeasure,
    readers: ReadonlyMap<string, () => Value>,
  ): BaselinePlan {
    const { memory, context, types, clocks, spaces } = this.#draft
    const measure = measureOf(rule, of)
    const parts =
      measure.kind === 'ratio' ? [measure.numerator, measure.denominator].map((n) => runningOf(rule, n)) : []
    const samples = measure.kind === 'ratio' ? Object.keys(measure.atLeast).map((n) => runningOf(rule, n)) : []
    const own = isRunning(measure) ? [measure] : parts
    const filtered = at.filter ? `${at.filter.word}/${at.filter.mask}` : ''
    const asked = [measure, ...parts, ...samples].map((m) => signature(m, rule))
    const key = JSON.stringify([at.space, at.clock, filtered, rule.on, overMs, stepMs, zone, asked])
    const known = this.#byKey.get(key)
    if (known) return known
    const plan = spaces.plans[at.space]
    const windows = own.map((m) => ({ windowMs: m.windowMs, tumbling: placeOf(clocks, at, m).tumbling }))
    const places = [...own, ...samples].map((m) => placeOf(clocks, at, m))
    const tumbling = tumblingOf(places)
    const baseline = new Baseline({
      memory,
      context,
      cell: plan.cells,
      read:
        measure.kind === 'ratio'
          ? readRatio(measure, readers, { reason: 'null' }, scaleOfMeasure(this.#draft.columns, rule))
          : (readers.get(of) as () => Value),
      steps: clocks.calendar(stepMs, zone),
      overMs,
      windows,
      tumbling,
    })
    plan.cells += BASELINE_CELLS
    const made: BaselinePlan = { baseline, space: at.space, clock: at.clock }
    this.#byKey.set(key, made)
    for (const window of tumbling) spaces.tumblingGroup(window, at.space).baselines.push(baseline)
    const use = { baseline, space: at.space, filter: at.filter }
    clocks.watch(at.clock, types.of(rule), slidingOf(places), use)
    return made
  }
}

function measureOf(rule: Rule, name: string): Measure {
  const measure = rule.measures.find((m) => m.name === name)
  if (!measure) throw new TypeError(`no measure ${name} in ${rule.id}`)
  return measure
}

function runningOf(rule: Rule, name: string): RunningMeasure {
  const measure = measureOf(rule, name)
  if (!isRunning(measure)) throw new TypeError(`${name} in ${rule.id} is not kept`)
  return measure
}

/** Equal for measures of the same filter that compute the same. */
function signature(measure: Measure, rule: Rule): unknown {
  const { name: _, ...rest } = measure
  if (!isRunning(measure)) return rest
  const own = rule.lets.find((l) => l.name === measure.of)
  return [rest, canonical(measure.where, rule), own ? canonical(own.expression, rule) : null]
}
