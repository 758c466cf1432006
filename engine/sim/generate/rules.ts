import fc from 'fast-check'
import type { Expression } from '../../model/expression.ts'
import {
  type Definition,
  isRunning,
  type Let,
  type NamedList,
  type Feature as Published,
  type Ranking,
  type RankingColumn,
  type Rule,
  type RuleException,
  type RuleSet,
  SEVERITIES,
  type TemplatePart,
} from '../../model/rule.ts'
import { call, field, rankingOf, ruleOf } from '../build.ts'
import { DEAL_TYPES } from '../deals.ts'
import {
  bindFeatures,
  bindNames,
  boolean,
  condition,
  type PublishedNames,
  publishedCondition,
  readsEvent,
  SHOPS,
  value,
} from './expressions.ts'
import { type Feature, weigh } from './features.ts'
import { type Generated, measured, measuresFrom, measuresSeed, optional, windowSeed } from './measures.ts'
import { sequenceFrom, sequenceSeed } from './sequences.ts'

const SETTLES_MS = [0, 0, 0, 50, 2_000]
const on = fc.subarray([...DEAL_TYPES], { minLength: 1, maxLength: 3 })
const filter = optional(boolean({ event: true, measures: false }, 1), 6)

const known: NamedList = { id: 'known', kind: 'watch', of: 'string', items: SHOPS.slice(0, 2) }

const lets: readonly Let[] = [
  { name: 'pair', type: 'string', expression: call('unordered', field('shop'), field('buyer')) },
  { name: 'worth', type: 'number', expression: call('mul', field('count'), field('points')) },
  { name: 'share', type: 'number', expression: call('div', field('points'), field('count')) },
]
const exceptionSeed = fc.record({
  apply: fc.constantFrom('mute_alert' as const, 'drop_event' as const),
  onDrop: boolean({ event: true, measures: false }, 1),
  onMute: fc.oneof(condition({ event: false, measures: true }), boolean({ event: true, measures: true }, 1)),
  /** After the start of the stream. */
  untilMs: fc.oneof(
    fc.nat({ max: 200 }).map((n) => 10 * n),
    fc.constantFrom(10_000, 3_600_000),
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

const ruleSeed = (features: ReadonlySet<Feature>) =>
  fc.record({
    ...definition,
    by: fc.constantFrom(['shop'], ['shop'], ['buyer'], ['shop', 'buyer'], ['device'], ['device', 'shop'], ['pair']),
    window: windowSeed(features),
    evaluate: fc.constantFrom('every_change' as const, 'every_change' as const, 'arrival' as const),
    measures: measuresSeed(features),
    when: fc.oneof(
      { weight: 3, arbitrary: condition({ event: false, measures: true }) },
      { weight: 1, arbitrary: condition({ event: true, measures: true }) },
    ),
    /** Joined to `when` and `where`, where there are features. */
    publishedWhen: optional(publishedCondition({ event: false, measures: false }), 2),
    publishedWhere: optional(publishedCondition({ event: true, measures: false }), 4),
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
function ruleFrom(
  { window, publishedWhen, publishedWhere, ...seed }: Generated<ReturnType<typeof ruleSeed>>,
  index: number,
  startMs: number,
  hasFeatures: boolean,
): Rule {
  const { measures, names } = measuresFrom(seed.measures, window, seed.by)
  const bind = (tree: Expression): Expression => bindNames(tree, names, seed.by)
  const exceptions: RuleException[] = seed.exceptions.map((e, i) => ({
    name: `x${i}`,
    when: bind(e.apply === 'drop_event' ? e.onDrop : e.onMute),
    apply: e.apply,
    reason: '',
    untilMs: startMs + e.untilMs,
  }))
  const when = bind(publishedWhen && hasFeatures ? call('or', publishedWhen, seed.when) : seed.when)
  const where = publishedWhere && hasFeatures ? publishedWhere : seed.where
  const [levels, otherwise] = seed.severity
  const readsOfEvents = [when, ...exceptions.map((e) => e.when)].some(readsEvent)
  const isOfArrivals = readsOfEvents || measures.some((m) => isRunning(m) && m.prior)
  const rule = ruleOf({
    ...seed,
    ...window,
    id: `rule${index}`,
    params: { limit: 2 },
    measures,
    when,
    severity: [
      ...levels.map(([level, condition]) => ({ level, when: bind(condition) })),
      { level: otherwise, when: null },
    ],
    where: where && bind(where),
    unless: seed.unless && bind(seed.unless),
    exceptions,
    about: seed.by.at(-1)!,
    explain: seed.explain.map((part) => ('text' in part ? part : { ...part, expression: bind(part.expression) })),
    evaluate: isOfArrivals ? 'arrival' : seed.evaluate,
  })
  return withLets(rule)
}

/** With the `let` values that the document reads. */
function withLets<T extends Definition>(document: T): T {
  const text = JSON.stringify(document)
  return { ...document, lets: lets.filter(({ name }) => text.includes(`"${name}"`)) }
}

const columnsSeed = (features: ReadonlySet<Feature>) =>
  fc.record({
    running: fc.array(fc.record({ measured: measured(features), where: filter }), { maxLength: 2 }),
    /** In steps of the ranking. */
    change: optional(fc.constantFrom(1, 2, 5), 2),
    sparkline: optional(fc.tuple(fc.constantFrom(2, 3, 5), fc.constantFrom(1, 2)), 2),
  })

function columnsFrom(
  { running, change, sparkline }: Generated<ReturnType<typeof columnsSeed>>,
  windowMs: number,
  stepMs: number,
): RankingColumn[] {
  const columns: RankingColumn[] = running.map(({ measured, where }, i) => ({
    ...measured,
    name: `m${i}`,
    where: where && withoutKeys(where),
    windowMs,
  }))
  if (change !== null) columns.push({ kind: 'rank_change', name: 'change', overMs: change * stepMs })
  if (sparkline !== null) {
    const [points, steps] = sparkline
    columns.push({ kind: 'sparkline', name: 'trend', points, stepMs: steps * stepMs })
  }
  return columns
}

const rankingSeed = (features: ReadonlySet<Feature>) =>
  fc.record({
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
    columns: columnsSeed(features),
  })

function rankingFrom({ window, weights, ...seed }: Generated<ReturnType<typeof rankingSeed>>, index: number): Ranking {
  const bind = (tree: Expression | null) => tree && withoutKeys(tree)
  const ranking = rankingOf({
    ...seed,
    id: `ranking${index}`,
    params: { limit: 2 },
    where: bind(seed.where),
    unless: bind(seed.unless),
    windowMs: window[0]!,
    stepMs: window[1]!,
    columns: columnsFrom(seed.columns, window[0]!, window[1]!),
    weights: Object.fromEntries(seed.on.map((type, i) => [type, weights[i]!])),
  })
  return withLets(ranking)
}

/** A ranking has no key: the shop stands in for it. */
function withoutKeys(tree: Expression): Expression {
  const text = JSON.stringify(bindNames(tree, { number: ['none'], string: [], boolean: [], list: [] }, ['shop']))
  return JSON.parse(text.replaceAll('"op":"key"', '"op":"field"'))
}

const featureSeed = (features: ReadonlySet<Feature>) =>
  fc.record({
    on: fc.oneof(on, fc.constant([...DEAL_TYPES])),
    where: filter,
    unless: filter,
    by: fc.constantFrom('shop', 'shop', 'buyer', 'device', 'pair'),
    /** Most often long enough for a key to be known when it is asked for. */
    window: fc.oneof(
      { weight: 1, arbitrary: windowSeed(features) },
      { weight: 3, arbitrary: fc.constantFrom(1_000, 7_000, 60_000, 60_000).map((windowMs) => ({ windowMs })) },
    ),
    measures: measuresSeed(new Set([...features].filter((f) => f !== 'prior' && f !== 'baseline'))),
    everyMs: fc.constantFrom(10, 10, 30, 100, 1_000, 7_000),
  })

function featureFrom(
  { window, by, measures: seed, ...rest }: Generated<ReturnType<typeof featureSeed>>,
  index: number,
): { feature: Published; names: PublishedNames } {
  const { measures, names } = measuresFrom(seed, window, [by])
  const none = { number: [], string: [], boolean: [], list: [] }
  const bind = (tree: Expression | null) => tree && bindNames(tree, none, [by])
  const id = `feature${index}`
  const { id: _, version, hash, title, owner, mode, settleMs } = ruleOf()
  const feature: Published = {
    ...{ kind: 'feature', id, version, hash, title, owner, mode, settleMs, params: { limit: 2 }, lets: [] },
    ...{ ...rest, ...window, by: [by], measures, where: bind(rest.where), unless: bind(rest.unless) },
  }
  return { feature: withLets(JSON.parse(withFieldKeys(feature))), names: { id, by, ...names } }
}

/** Where events are filtered `key.shop` is what the event says. */
function withFieldKeys(tree: unknown): string {
  return JSON.stringify(tree)
    .replaceAll('"op":"key"', '"op":"field"')
    .replaceAll('"op":"field","type":"string","name":"pair"', '"op":"let","type":"string","name":"pair"')
}

/** Rules, sequences and rankings over the made-up stream, as a compiler would hand them over. Asked with its start. */
export const ruleSet = (features: ReadonlySet<Feature>): fc.Arbitrary<(startMs: number) => RuleSet> =>
  fc
    .record({
      rules: fc.oneof(
        { weight: 1, arbitrary: fc.constant<Generated<ReturnType<typeof ruleSeed>>[]>([]) },
        { weight: 9, arbitrary: fc.array(ruleSeed(features), { minLength: 1, maxLength: 4, size: 'max' }) },
      ),
      sequences: fc.oneof(
        { weight: 2, arbitrary: fc.constant<Generated<typeof sequenceSeed>[]>([]) },
        {
          weight: weigh(features, 'sequences', 2),
          arbitrary: fc.array(sequenceSeed, { minLength: 1, maxLength: 2, size: 'max' }),
        },
      ),
      published: fc.oneof(
        { weight: 2, arbitrary: fc.constant<Generated<ReturnType<typeof featureSeed>>[]>([]) },
        {
          weight: weigh(features, 'published', 3),
          arbitrary: fc.array(featureSeed(features), { minLength: 1, maxLength: 2, size: 'max' }),
        },
      ),
      rankings: fc.oneof(
        fc.constant<Generated<ReturnType<typeof rankingSeed>>[]>([]),
        fc.array(rankingSeed(features), { maxLength: 2, size: 'max' }),
      ),
    })
    .map(({ rules, sequences, rankings, published }) => (startMs: number) => {
      const made = published.map(featureFrom)
      const names = made.map((f) => f.names)
      return {
        hash: 'generated',
        rules: rules.map((seed, i) => withLets(bindFeatures(ruleFrom(seed, i, startMs, names.length > 0), names))),
        sequences: sequences.map((seed, i) => withLets(bindFeatures(sequenceFrom(seed, i, startMs), names))),
        rankings: rankings.map((seed, i) => withLets(bindFeatures(rankingFrom(seed, i), names))),
        lists: [known],
        features: made.map(({ feature }, i) => withLets(bindFeatures(feature, names.slice(i + 1)))),
      }
    })
