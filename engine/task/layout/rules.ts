import type { Value } from '../../model/expression.ts'
import { isRunning, type Rule } from '../../model/rule.ts'
import { compileCondition } from '../../rules/evaluate/compile.ts'
import { ABSTAIN_REASONS, conditionCode, generateCondition, type NumberCode } from '../../rules/evaluate/generate.ts'
import { compileTemplate } from '../../rules/evaluate/template.ts'
import { quotientOfSum } from '../../state/exact.ts'
import { type RowScope, withoutEvent } from '../context.ts'
import { fallsOnDeparture } from '../falling.ts'
import { codeOfRatio } from '../measure-code.ts'
import type { Condition, PriorValue, RulePlan } from '../plans.ts'
import { readRatio, scaleOfMeasure } from '../ratio.ts'
import { BASELINE_PARTS, type Baselines } from './baselines.ts'
import type { Draft } from './draft.ts'
import { placeOf, type Selection, slidingOf, tumblingOf } from './place.ts'
import { addCount, addRunning } from './readers.ts'

const SEVERITY_RANK = { info: 0, low: 1, medium: 2, high: 3, critical: 4 } as const

/** What a rule's measures are read by, and the code that does, where there is any. By name. */
interface Measured {
  readonly readers: Map<string, () => Value>
  readonly codes: Map<string, NumberCode>
  readonly priors: PriorValue[]
}

export function addRule(draft: Draft, baselines: Baselines, rule: Rule): void {
  const { clocks, counters } = draft
  const measured: Measured = { readers: new Map(), codes: new Map(), priors: [] }
  const { readers, codes, priors } = measured
  const scope = draft.scope(rule, rule.by, (name) => {
    const read = readers.get(name)
    if (!read) throw new TypeError(`no measure ${name} in ${rule.id}`)
    return read
  })
  const clock = clocks.of(rule.settleMs)
  const space = draft.spaces.of(rule, rule.by, '')
  const events = draft.scope(rule)
  const filter = draft.filters.of(rule, events)
  const at = { space, clock, filter }
  addMeasures(draft, baselines, rule, at, { events, scope }, measured)
  const own = placeOf(clocks, at, rule)
  const total = addCount(draft, rule, own)
  const places = [rule, ...rule.measures.filter(isRunning)].map((w) => placeOf(clocks, at, w))
  const slidingMs = slidingOf(places)
  const tumbling = tumblingOf(places)
  const condition = (e: Rule['when']): Condition => compileCondition(e, scope)
  const code = conditionCode(rule.when, scope, (name) => codes.get(name) ?? null)
  const labels = { rule: rule.id }
  const plan: RulePlan = {
    index: draft.rules.length,
    rule,
    space,
    clock,
    filter,
    longestMs: Math.max(0, ...slidingMs),
    tumbling,
    ownTumbling: own.tumbling,
    priors,
    falls: fallsOnDeparture(rule),
    scope,
    when: generateCondition(code, quotientOfSum),
    condition: code,
    severities: rule.severity.map((s) => ({ rank: SEVERITY_RANK[s.level], when: s.when ? condition(s.when) : null })),
    mutes: draft.mutes(rule, scope),
    explain: compileTemplate(rule.explain, scope),
    explainAtClose: compileTemplate(rule.explain, withoutEvent(scope)),
    measures: rule.measures
      .flatMap((m) => (m.kind === 'baseline' ? BASELINE_PARTS.map((part) => `${m.name}.${part}`) : [m.name]))
      .map((name) => ({ name, read: readers.get(name) as () => Value })),
    total,
    key: rule.by.map((name) => scope.key(name)),
    suspects: rule.suspects ? draft.columns.code(rule, rule.suspects.of) : null,
    suspectsRefused: counters.counter('values_refused_total', labels),
    evidence: (rule.evidence?.fields ?? []).map((name) => ({
      name,
      read: rule.lets.some((l) => l.name === name) ? scope.let(name) : scope.field(name),
    })),
    nullKeys: counters.counter('null_keys_total', labels),
    keysRefused: counters.counter('keys_refused_total', labels),
    alertsRefused: counters.counter('alerts_refused_total', labels),
    outputsCut: counters.counter('outputs_cut_total', labels),
    walksCut: counters.counter('walks_cut_total', labels),
    missed: counters.counter('missed_windows_total', labels),
    abstained: ABSTAIN_REASONS.map((reason) => counters.counter('abstained_total', { ...labels, reason })),
  }
  draft.rules.push(plan)
  draft.alertPlans.push(plan)
  clocks.plans[clock].rules.push(plan)
  if (rule.evaluate === 'every_change') for (const window of tumbling) window.enders.push(plan)
  draft.types.use(rule, plan)
  if (priors.length > 0) for (const t of draft.types.of(rule)) clocks.plans[clock].priors[t].push(plan)
  draft.classes.add(plan, slidingMs)
}

/** Running measures first, then ratios of them, then baselines of both. */
function addMeasures(
  draft: Draft,
  baselines: Baselines,
  rule: Rule,
  at: Selection,
  { events, scope }: { events: RowScope; scope: RowScope },
  { readers, codes, priors }: Measured,
): void {
  for (const measure of rule.measures) {
    if (!isRunning(measure)) continue
    const { read, code } = addRunning(draft, rule, events, at, measure)
    if (measure.prior) {
      const prior: PriorValue = { read, value: null }
      priors.push(prior)
      readers.set(measure.name, () => prior.value)
    } else {
      readers.set(measure.name, read)
      if (code) codes.set(measure.name, code)
    }
  }
  const scaleOf = scaleOfMeasure(draft.columns, rule)
  for (const measure of rule.measures) {
    if (measure.kind !== 'ratio') continue
    readers.set(measure.name, readRatio(measure, readers, scope, scaleOf))
    const code = codeOfRatio(measure, codes, scaleOf)
    if (code) codes.set(measure.name, code)
  }
  for (const measure of rule.measures) {
    if (measure.kind === 'baseline') baselines.add(rule, at, measure, readers, scope)
  }
}
