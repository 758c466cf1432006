import fc from 'fast-check'
import {
  type BaselineMeasure,
  isRunning,
  type Measure,
  type RatioMeasure,
  type RunningMeasure,
  type Tumbling,
} from '../../model/rule.ts'
import { bindNames, boolean, type MeasureNames } from './expressions.ts'
import { type Feature, weigh } from './features.ts'
import { lengthMsMax, tumbling } from './times.ts'

export type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never

const NUMBERS = ['price', 'points', 'count', 'worth', 'share']
const STRINGS = ['buyer', 'device', 'shop', 'pair']

/** Null but for one in `times`. */
export const optional = <T>(arbitrary: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })

const WINDOWS_MS = [10, 100, 100, 1_000, 1_000, 7_000, 60_000]

/** As rules and measures have it; a rare one, or none, is tumbling. */
export const windowSeed = (features: ReadonlySet<Feature>) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...WINDOWS_MS).map((windowMs): WindowSeed => ({ windowMs })) },
    {
      weight: weigh(features, 'tumbling', 2),
      arbitrary: tumbling.map((tumbling): WindowSeed => ({ windowMs: lengthMsMax(tumbling), tumbling })),
    },
  )
export interface WindowSeed {
  readonly windowMs: number
  readonly tumbling?: Tumbling
}

interface Measured extends Pick<RunningMeasure, 'kind' | 'of' | 'k' | 'p'> {}

const anything = fc.constantFrom(...STRINGS, ...NUMBERS, 'isNew')
export const measured = (features: ReadonlySet<Feature>): fc.Arbitrary<Measured> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('count' as const), of: fc.constant(null) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('distinct' as const), of: fc.constantFrom(...STRINGS, ...NUMBERS) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constantFrom('sum' as const, 'avg' as const, 'min' as const, 'max' as const, 'stddev' as const),
        of: fc.constantFrom(...NUMBERS),
      }),
    },
    {
      weight: weigh(features, 'last', 2),
      arbitrary: fc.record({ kind: fc.constant('last' as const), of: anything }),
    },
    {
      weight: weigh(features, 'share', 2),
      arbitrary: fc.record({ kind: fc.constant('share' as const), of: anything }),
    },
    {
      weight: weigh(features, 'top', 2),
      arbitrary: fc.record({
        kind: fc.constant('top' as const),
        of: anything,
        k: fc.constantFrom(1, 2, 3, 100),
      }),
    },
    {
      weight: weigh(features, 'percentile', 2),
      arbitrary: fc.record({
        kind: fc.constant('percentile' as const),
        of: fc.constantFrom(...NUMBERS),
        p: fc.constantFrom(0.5, 25, 50, 90, 99.9, 100),
      }),
    },
  )

/** A null window is that of the rule; ratios and baselines name their parts by number. */
export const measuresSeed = (features: ReadonlySet<Feature>) =>
  fc.record({
    running: fc.array(
      fc.record({
        measured: measured(features),
        where: optional(boolean({ event: true, measures: false }, 1), 3),
        window: optional(windowSeed(features), 2),
        prior: fc.oneof(
          { weight: 12, arbitrary: fc.constant(false) },
          { weight: weigh(features, 'prior', 1), arbitrary: fc.constant(true) },
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    ratio: optional(
      fc.record({
        numerator: fc.nat({ max: 4 }),
        denominator: fc.nat({ max: 4 }),
        atLeast: optional(fc.tuple(fc.nat({ max: 4 }), fc.constantFrom(1, 2, 3)), 2),
        lowerBoundZ: fc.oneof(
          { weight: 1, arbitrary: fc.constant(null) },
          { weight: weigh(features, 'lower_bound', 2), arbitrary: fc.constantFrom(1.96, 1.281_551_565_544_600_4) },
        ),
      }),
      2,
    ),
    baseline: fc.oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      {
        weight: weigh(features, 'baseline', 2),
        arbitrary: fc.record({
          /** null: a measure of its own, over a short window. */
          of: fc.option(fc.nat({ max: 4 }), { freq: 2 }),
          steps: fc.constantFrom(
            [100, 10],
            [300, 30],
            [500, 50],
            [1_000, 100],
            [60_000, 1_000],
            [7_200_000, 3_600_000],
          ),
          minPoints: fc.constantFrom(1, 2, 3),
        }),
      },
    ),
  })

/** The measures of a rule that groups by `by`, and their names by type. */
export function measuresFrom(
  { running, ratio, baseline }: Generated<ReturnType<typeof measuresSeed>>,
  ruleWindow: WindowSeed,
  by: readonly string[],
): { measures: readonly Measure[]; names: MeasureNames } {
  const none: MeasureNames = { number: [], string: [], boolean: [], list: [] }
  const measures: Measure[] = running.map(({ measured, where, window, prior }, i) => ({
    ...measured,
    name: `m${i}`,
    where: where && bindNames(where, none, by),
    ...(window ?? ruleWindow),
    ...(prior ? { prior } : {}),
  }))
  if (typeOf(measures[0]!) !== 'number') measures[0] = { ...(measures[0] as RunningMeasure), kind: 'count', of: null }
  const numbers = () => measures.filter((m) => typeOf(m) === 'number')
  if (ratio)
    measures.push(
      ratioFrom(
        ratio,
        numbers().map((m) => m.name),
      ),
    )
  const isPrior = (m: Measure): boolean =>
    isRunning(m)
      ? m.prior === true
      : m.kind === 'ratio' && [m.numerator, m.denominator].some((n) => isPrior(measures.find((o) => o.name === n)!))
  if (baseline) {
    const usable = baseline.of === null ? [] : numbers().filter((m) => !isPrior(m))
    if (usable.length === 0) {
      usable.push({ kind: 'count', name: 'own', of: null, where: null, windowMs: 50 })
      measures.push(...usable)
    }
    measures.push(baselineFrom(baseline, usable[(baseline.of ?? 0) % usable.length]!, measures))
  }
  const named = (type: string) => measures.filter((m) => typeOf(m) === type).map((m) => m.name)
  const lists = measures.filter(isRunning).filter((m) => m.kind === 'top')
  const names = {
    number: [...named('number'), ...(measures.at(-1)!.kind === 'baseline' ? BASELINE_NAMES : [])],
    string: named('string'),
    boolean: named('boolean'),
    list: lists.map((m) => ({ name: m.name, of: typeOfField(m.of!) })),
  }
  return { measures, names }
}

const BASELINE_NAMES = ['usual.mean', 'usual.stddev', 'usual.points']

function ratioFrom(
  { numerator, denominator, atLeast, lowerBoundZ }: NonNullable<Generated<ReturnType<typeof measuresSeed>>['ratio']>,
  names: readonly string[],
): RatioMeasure {
  return {
    kind: 'ratio',
    name: 'ratio',
    numerator: names[numerator % names.length]!,
    denominator: names[denominator % names.length]!,
    atLeast: atLeast ? { [names[atLeast[0] % names.length]!]: atLeast[1] } : {},
    ...(lowerBoundZ === null ? {} : { lowerBoundZ }),
  }
}

function baselineFrom(
  { steps, minPoints }: NonNullable<Generated<ReturnType<typeof measuresSeed>>['baseline']>,
  of: Measure,
  measures: readonly Measure[],
): BaselineMeasure {
  const names = of.kind === 'ratio' ? [of.numerator, of.denominator] : [of.name]
  const parts = measures.filter(isRunning).filter((m) => names.includes(m.name))
  const zone = parts.find((m) => m.tumbling)?.tumbling?.zone ?? 'UTC'
  return { kind: 'baseline', name: 'usual', of: of.name, overMs: steps[0]!, stepMs: steps[1]!, zone, minPoints }
}

function typeOf(measure: Measure): 'number' | 'string' | 'boolean' | 'list' | null {
  if (measure.kind === 'baseline') return null
  if (measure.kind === 'top') return 'list'
  return measure.kind === 'last' ? typeOfField(measure.of!) : 'number'
}

function typeOfField(name: string): 'number' | 'string' | 'boolean' {
  if (name === 'isNew') return 'boolean'
  return NUMBERS.includes(name) ? 'number' : 'string'
}
