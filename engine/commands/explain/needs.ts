import { formatDuration } from '../../kit/duration.ts'
import { own } from '../../kit/own.ts'
import type { Expression } from '../../model/expression.ts'
import { featureNamesIn, featuresRead } from '../../model/features-read.ts'
import {
  type Feature,
  isRunning,
  type Measure,
  type Ranking,
  type RatioMeasure,
  type Rule,
  type RuleSet,
  type RunningMeasure,
  type SequenceRule,
} from '../../model/rule.ts'
import { type Stream, streamOfType } from '../../model/stream.ts'
import type { Exchange } from '../../plan/exchange.ts'
import { planExchanges } from '../../plan/plan.ts'
import { canonical } from '../../task/columns.ts'
import { featureReachMs } from '../../task/feature-reach.ts'
import { CELL_BYTES, CELLS, KEY_BYTES, type MeasureNeeds, PER_VALUE, VALUE_BYTES } from './bytes.ts'
import { rankingNeeds } from './ranking-needs.ts'
import { matchText, stepText, violationText } from './sequence-text.ts'
import { expressionText } from './text.ts'

/** What a definition reads, keeps and costs. */
export interface Needs {
  readonly kind: 'rule' | 'sequence' | 'ranking' | 'feature'
  readonly rule: string
  readonly title: string
  readonly mode: string
  readonly topics: readonly { readonly stream: string; readonly topic: string; readonly types: readonly string[] }[]
  readonly key: readonly string[]
  readonly exchange: { readonly id: string; readonly shared_with: readonly string[] } | null
  /** Features that its expressions read. */
  readonly features: readonly string[]
  /** Of a feature: how often it is published, and who reads it. */
  readonly published: { readonly every_ms: number; readonly read_by: readonly string[] } | null
  readonly settle_ms: number
  readonly held_ms: number
  /** How much longer all events are held, so that what features said can be said again. */
  readonly features_ms: number
  readonly measures: readonly MeasureNeeds[]
  readonly bytes_per_key: number
  readonly cost: { readonly updates_per_event: number; readonly evaluations_per_event: number }
  readonly when: readonly string[]
  /** Of a sequence. */
  readonly steps: readonly string[]
  readonly violations: readonly string[]
  readonly matches: readonly string[]
}

export type Explained = Rule | SequenceRule | Ranking | Feature

export function needsOf(definition: Explained, set: RuleSet, streams: readonly Stream[]): Needs {
  const counting = definition.kind === 'rule' || definition.kind === 'feature' ? definition : null
  const measures = counting
    ? counting.measures.map((m) => measureNeeds(counting, m, set))
    : definition.kind === 'ranking'
      ? rankingNeeds(definition)
      : []
  const running = counting ? counting.measures.filter(isRunning) : []
  const onDeparture = definition.kind === 'rule' && definition.evaluate === 'every_change'
  const kept = definition.kind === 'ranking' ? measures.filter((m) => m.window_ms !== null) : running
  const perEvent = definition.kind === 'sequence' ? 1 : 2 * Math.max(1, kept.length)
  const evaluations = definition.kind === 'feature' ? 0 : onDeparture ? 2 : 1
  return {
    kind: definition.kind,
    rule: nameOf(definition),
    title: definition.title,
    mode: definition.mode,
    topics: topicsOf(definition, streams),
    key: definition.kind === 'ranking' ? [...definition.per, definition.rank] : definition.by,
    exchange: exchangeOf(definition, set, streams),
    features: featuresOf(definition, set),
    published:
      definition.kind === 'feature' ? { every_ms: definition.everyMs, read_by: readersOf(definition, set) } : null,
    settle_ms: definition.settleMs,
    held_ms: heldMs(definition) + definition.settleMs,
    features_ms: featuresMs(definition, set),
    measures,
    bytes_per_key: KEY_BYTES + measures.reduce((sum, m) => sum + m.bytes_per_key, 0),
    cost: { updates_per_event: perEvent, evaluations_per_event: evaluations },
    when: definition.kind === 'rule' ? conjunction(definition.when).map((e) => expressionText(e)) : [],
    ...sequenceNeeds(definition),
  }
}

function sequenceNeeds(definition: Explained): Pick<Needs, 'steps' | 'violations' | 'matches'> {
  if (definition.kind !== 'sequence') return { steps: [], violations: [], matches: [] }
  const { steps, violations, matches } = definition
  return { steps: steps.map(stepText), violations: violations.map(violationText), matches: matches.map(matchText) }
}

function nameOf({ id, version }: Explained): string {
  return `${id}@${version}`
}

export function membersOf({ rules, sequences, rankings, features }: RuleSet): Explained[] {
  return [...rules, ...sequences, ...rankings, ...features]
}

function featuresOf(definition: Explained, { features }: RuleSet): string[] {
  const read = featureNamesIn(definition)
  return features.filter(({ id }) => read.has(id)).map(nameOf)
}

function readersOf({ id }: Feature, set: RuleSet): string[] {
  return membersOf(set).filter((d) => featureNamesIn(d).has(id)).map(nameOf) // biome-ignore format: one step
}

function topicsOf({ on }: Explained, streams: readonly Stream[]): Needs['topics'] {
  const fed = [...new Set(on.map((type) => streamOfType(streams, type)!))]
  return fed.map((s) => ({
    stream: s.name,
    topic: s.topic,
    types: on.filter((type) => streamOfType(streams, type) === s),
  }))
}

/** A set is asked of each of its definitions. */
const planned = new WeakMap<RuleSet, Exchange[]>()

function exchangeOf(definition: Explained, set: RuleSet, streams: readonly Stream[]): Needs['exchange'] {
  const exchanges = planned.get(set) ?? planExchanges(set, streams)
  planned.set(set, exchanges)
  const mine = exchanges.find((e) => membersOf(e.set).includes(definition))
  if (!mine) return null
  return { id: mine.id, shared_with: membersOf(mine.set).filter((d) => d !== definition).map(nameOf) } // biome-ignore format: one step
}

function featuresMs(definition: Explained, set: RuleSet): number {
  const only = <D extends Explained>(all: readonly D[]): D[] => all.filter((d) => d === definition)
  const features = [...only(set.features), ...featuresRead([definition], set.features)]
  const [rules, sequences, rankings] = [only(set.rules), only(set.sequences), only(set.rankings)]
  return featureReachMs({ ...set, rules, sequences, rankings, features })
}

function heldMs(definition: Explained): number {
  if (definition.kind === 'sequence') return definition.forgetAfterMs
  if (definition.kind === 'ranking') return definition.windowMs
  return Math.max(definition.windowMs, ...definition.measures.filter(isRunning).map((m) => m.windowMs))
}

function measureNeeds(rule: Rule | Feature, measure: Measure, set: RuleSet): MeasureNeeds {
  const { name } = measure
  if (!isRunning(measure)) {
    const what =
      measure.kind === 'ratio'
        ? ratioText(measure)
        : `baseline of ${measure.of} over ${formatDuration(measure.overMs)}, a point every ${formatDuration(measure.stepMs)}, ${measure.minPoints} at least`
    const points = measure.kind === 'baseline' ? Math.ceil(measure.overMs / measure.stepMs) : 0
    const bytes = 2 * CELL_BYTES * points
    return { name, what, window_ms: null, bytes_per_key: bytes, bytes_per_value: 0, shared_with: [] }
  }
  const id = identity(rule, measure)
  const others = [...set.rules, ...set.features].filter((other) => other !== rule)
  const shared = others.flatMap((other) =>
    other.measures
      .filter((m) => isRunning(m) && identity(other, m) === id)
      .map((m) => `${other.id}@${other.version}.${m.name}`),
  )
  const where = measure.where ? ` where ${expressionText(measure.where)}` : ''
  return {
    name,
    what: `${measure.kind} of ${measure.of ?? 'events'}${details(measure)}${where}`,
    window_ms: measure.tumbling?.lengthMs ?? measure.windowMs,
    bytes_per_key: CELL_BYTES * CELLS[measure.kind],
    bytes_per_value: PER_VALUE.includes(measure.kind) ? VALUE_BYTES : 0,
    shared_with: shared,
  }
}

function ratioText({ numerator, denominator, atLeast, atLeastParams, lowerBound }: RatioMeasure): string {
  const samples = Object.entries(atLeast).map(([name, least]) => {
    const param = atLeastParams && own(atLeastParams, name)
    return `${name} at least ${least}${param === undefined ? '' : ` (params.${param})`}`
  })
  const bound = lowerBound === undefined ? [] : [`lower Wilson bound of ${lowerBound}`]
  return [`${numerator} / ${denominator}`, ...samples, ...bound].join(', ')
}

function details({ k, p, prior, tumbling }: RunningMeasure): string {
  return [
    k === undefined ? '' : `, first ${k}`,
    p === undefined ? '' : `, ${p} %`,
    prior ? ', before the event' : '',
    tumbling ? `, by the calendar of ${tumbling.zone}` : '',
  ].join('')
}

/** Two measures with one identity are one running number (DESIGN: what rules share). */
function identity(rule: Rule | Feature, measure: RunningMeasure): string {
  const named = (name: string | null) => {
    const own = rule.lets.find((l) => l.name === name)
    return own ? canonical(own.expression, rule) : name
  }
  const exceptions = rule.kind === 'rule' ? rule.exceptions : []
  const drops = exceptions.filter((e) => e.apply === 'drop_event').map((e) => [canonical(e.when, rule), e.untilMs])
  const filters = [rule.where, rule.unless, measure.where].map((e: Expression | null) => canonical(e, rule))
  const shape = [
    measure.kind,
    named(measure.of),
    measure.windowMs,
    measure.tumbling,
    measure.k,
    measure.p,
    measure.prior,
  ]
  return JSON.stringify([rule.on, rule.by.map(named), rule.settleMs, drops, filters, shape])
}

function conjunction(e: Expression): Expression[] {
  return e.op === 'call' && e.fn === 'and' ? e.args.flatMap(conjunction) : [e]
}
