import fc from 'fast-check'
import type { Expression } from '../../model/expression.ts'
import {
  type Let,
  type Measure,
  type NamedList,
  type Ranking,
  type Rule,
  type RuleException,
  type RuleSet,
  SEVERITIES,
  type TemplatePart,
} from '../../model/rule.ts'
import { call, field, rankingOf, ruleOf } from '../build.ts'
import { DEAL_TYPES } from '../deals.ts'
import { bindNames, boolean, condition, readsEvent, SHOPS, value } from './expressions.ts'

/** All times of a generated stream are after this moment. */
export const START_MS = Date.UTC(2026, 0, 1)

const WINDOWS_MS = [10, 100, 100, 1_000, 1_000, 7_000, 60_000]
const SETTLES_MS = [0, 0, 0, 50, 2_000]
const windowMs = fc.constantFrom(...WINDOWS_MS)
const on = fc.subarray([...DEAL_TYPES], { minLength: 1, maxLength: 3 })
/** Null but for one in `times`. */
const optional = <T>(arbitrary: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })
const filter = optional(boolean({ event: true, measures: false }, 1), 6)

const known: NamedList = { id: 'known', kind: 'watch', of: 'string', items: SHOPS.slice(0, 2) }

const lets: readonly Let[] = [
  { name: 'pair', type: 'string', expression: call('unordered', field('shop'), field('buyer')) },
  { name: 'worth', type: 'number', expression: call('mul', field('count'), field('points')) },
  { name: 'share', type: 'number', expression: call('div', field('points'), field('count')) },
]
const NUMBERS = ['price', 'points', 'count', 'worth', 'share']
const STRINGS = ['buyer', 'device', 'shop', 'pair']

/** A null `windowMs` is that of the rule; a ratio names its parts by number. */
const measure = fc.oneof(
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
)
const measureSeed = fc.record({
  measure,
  where: optional(boolean({ event: true, measures: false }, 1), 3),
  windowMs: optional(windowMs, 2),
})
const ratioSeed = fc.record({
  numerator: fc.nat({ max: 4 }),
  denominator: fc.nat({ max: 4 }),
  atLeast: optional(fc.tuple(fc.nat({ max: 4 }), fc.constantFrom(1, 2, 3)), 2),
})

const exceptionSeed = fc.record({
  apply: fc.constantFrom('mute_alert' as const, 'drop_event' as const),
  onDrop: boolean({ event: true, measures: false }, 1),
  onMute: fc.oneof(condition({ event: false, measures: true }), boolean({ event: true, measures: true }, 1)),
  untilMs: fc.oneof(
    fc.nat({ max: 200 }).map((n) => START_MS + 10 * n),
    fc.constantFrom(10_000, 3_600_000).map((ms) => START_MS + ms),
  ),
})

const template: fc.Arbitrary<TemplatePart[]> = fc.array(
  fc.oneof(
    fc.constantFrom({ text: 'n = ' }, { text: ', ' }),
    fc.record({
      expression: value({ event: false, measures: true }),
      format: fc.constantFrom('plain' as const, 'fixed' as const, 'percent' as const),
      digits: fc.constantFrom(0, 1, 2),
    }),
  ),
  { maxLength: 3 },
)

const severity = fc.tuple(
  fc.array(fc.tuple(fc.constantFrom(...SEVERITIES), condition({ event: false, measures: true })), { maxLength: 2 }),
  fc.constantFrom(...SEVERITIES),
)

const definition = {
  on,
  where: filter,
  unless: filter,
  settleMs: fc.constantFrom(...SETTLES_MS),
}

const ruleSeed = fc.record({
  ...definition,
  by: fc.constantFrom(['shop'], ['shop'], ['buyer'], ['shop', 'buyer'], ['device'], ['device', 'shop'], ['pair']),
  windowMs,
  evaluate: fc.constantFrom('every_change' as const, 'every_change' as const, 'arrival' as const),
  measures: fc.array(measureSeed, { minLength: 1, maxLength: 4 }),
  ratio: optional(ratioSeed, 2),
  when: fc.oneof(
    { weight: 3, arbitrary: condition({ event: false, measures: true }) },
    { weight: 1, arbitrary: condition({ event: true, measures: true }) },
  ),
  severity,
  exceptions: fc.oneof(
    { weight: 2, arbitrary: fc.constant<Generated<typeof exceptionSeed>[]>([]) },
    { weight: 1, arbitrary: fc.array(exceptionSeed, { maxLength: 2 }) },
  ),
  cooldownMs: fc.constantFrom(0, 100, 100, 5_000, 5_000, 90_000),
  suspects: optional(
    fc.record({ of: fc.constantFrom('buyer', 'device', 'count', 'pair', 'price'), k: fc.constantFrom(1, 2, 3) }),
    2,
  ),
  explain: template,
  evidence: optional(
    fc.record({
      events: fc.constantFrom(1, 2, 5),
      fields: fc.subarray(['device', 'price', 'points', 'count', 'isNew'], { maxLength: 3 }),
    }),
    2,
  ),
})
type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never

function ruleFrom(seed: Generated<typeof ruleSeed>, index: number): Rule {
  const names = seed.measures.map((_, i) => `m${i}`)
  const measures: Measure[] = seed.measures.map((m, i) => ({
    ...m.measure,
    name: names[i]!,
    where: m.where && bindNames(m.where, names, seed.by),
    windowMs: m.windowMs ?? seed.windowMs,
  }))
  if (seed.ratio) {
    const { numerator, denominator, atLeast } = seed.ratio
    measures.push({
      kind: 'ratio',
      name: 'ratio',
      numerator: names[numerator % names.length]!,
      denominator: names[denominator % names.length]!,
      atLeast: atLeast ? { [names[atLeast[0] % names.length]!]: atLeast[1] } : {},
    })
    names.push('ratio')
  }
  const bind = (tree: Expression): Expression => bindNames(tree, names, seed.by)
  const exceptions: RuleException[] = seed.exceptions.map((e, i) => ({
    name: `x${i}`,
    when: bind(e.apply === 'drop_event' ? e.onDrop : e.onMute),
    apply: e.apply,
    reason: '',
    untilMs: e.untilMs,
  }))
  const when = bind(seed.when)
  const [levels, otherwise] = seed.severity
  const rule = ruleOf({
    ...seed,
    id: `rule${index}`,
    params: { limit: 2 },
    measures,
    when,
    severity: [
      ...levels.map(([level, condition]) => ({ level, when: bind(condition) })),
      { level: otherwise, when: null },
    ],
    where: seed.where && bind(seed.where),
    unless: seed.unless && bind(seed.unless),
    exceptions,
    about: seed.by.at(-1)!,
    explain: seed.explain.map((part) => ('text' in part ? part : { ...part, expression: bind(part.expression) })),
    evaluate: [when, ...exceptions.map((e) => e.when)].some(readsEvent) ? 'arrival' : seed.evaluate,
  })
  const { ratio: _, ...clean } = rule as Rule & { ratio: unknown }
  return { ...clean, lets: letsOf(clean) }
}

/** The `let` values that the document reads. */
function letsOf(document: unknown): Let[] {
  const text = JSON.stringify(document)
  return lets.filter(({ name }) => text.includes(`"${name}"`))
}

const rankingSeed = fc.record({
  ...definition,
  rank: fc.constantFrom('shop', 'buyer', 'device', 'count', 'pair'),
  per: fc.constantFrom<string[]>([], [], ['shop'], ['buyer'], ['device', 'shop']),
  window: fc.constantFrom([10, 10], [100, 10], [100, 30], [1_000, 100], [7_000, 1_000], [60_000, 7_000]),
  weights: fc.array(fc.constantFrom(0, 1, 3, 0.5, 0.000_001, 2.345_678), { minLength: 4, maxLength: 4 }),
  cap: optional(
    fc.record({ per: fc.constantFrom('buyer', 'device', 'count'), points: fc.constantFrom(1, 2.5, 20) }),
    1,
  ),
  limit: fc.constantFrom(1, 2, 3, 10),
  ties: fc.constantFrom('all' as const, 'asc' as const, 'desc' as const),
})

function rankingFrom({ window, weights, ...seed }: Generated<typeof rankingSeed>, index: number): Ranking {
  const bind = (tree: Expression | null) => tree && withoutKeys(tree)
  const ranking = rankingOf({
    ...seed,
    id: `ranking${index}`,
    params: { limit: 2 },
    where: bind(seed.where),
    unless: bind(seed.unless),
    windowMs: window[0]!,
    stepMs: window[1]!,
    weights: Object.fromEntries(seed.on.map((type, i) => [type, weights[i]!])),
  })
  return { ...ranking, lets: letsOf(ranking) }
}

/** A ranking has no key: the shop stands in for it. */
function withoutKeys(tree: Expression): Expression {
  const text = JSON.stringify(bindNames(tree, ['none'], ['shop']))
  return JSON.parse(text.replaceAll('"op":"key"', '"op":"field"'))
}

/** Rules and rankings over the made-up stream, as a compiler would hand them over. */
export const ruleSet: fc.Arbitrary<RuleSet> = fc
  .record({
    rules: fc.oneof(
      { weight: 1, arbitrary: fc.constant<Generated<typeof ruleSeed>[]>([]) },
      { weight: 9, arbitrary: fc.array(ruleSeed, { minLength: 1, maxLength: 4, size: 'max' }) },
    ),
    rankings: fc.oneof(
      fc.constant<Generated<typeof rankingSeed>[]>([]),
      fc.array(rankingSeed, { maxLength: 2, size: 'max' }),
    ),
  })
  .map(({ rules, rankings }) => ({
    hash: 'generated',
    rules: rules.map(ruleFrom),
    sequences: [],
    rankings: rankings.map(rankingFrom),
    lists: [known],
  }))
