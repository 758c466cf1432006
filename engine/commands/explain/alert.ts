import type { RuleSource } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import type { AlertRecord, MeasuresRecord } from '../../model/output.ts'
import type { Rule, RuleSet, SequenceRule } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { compileRuleSet } from '../../rules/index.ts'
import type { Clause } from './clauses.ts'
import { clausesAt, comesAgain, type Stretch, stepsTo, stretchOf } from './derive.ts'
import { matchText, violationText } from './sequence-text.ts'
import type { ExplainSource, ViewedLog } from './source.ts'

const OUT_OF_REACH = 'the log no longer reaches back far enough to derive it'

/** An alert derived once more from the log. */
export interface Derived {
  /** As it was put out when it opened. */
  readonly alert: AlertRecord
  /** The newest measures of the key, event by event, up to the opening; at most 50. */
  readonly steps: readonly MeasuresRecord[]
  /** At the opening; null where it did not come about again. */
  readonly clauses: readonly Clause[] | null
  /** Of a sequence's alert; null for a rule's. */
  readonly sequence: DerivedSequence | null
  /** Why it did not. */
  readonly note: string | null
}

export interface DerivedSequence {
  /** What was violated or matched; null where the rule is gone. */
  readonly condition: string | null
  /** The events that the alert stands on, as it was put out. */
  readonly steps: readonly {
    readonly step: string
    readonly event_time: number
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }[]
  /** Whether the log, played again, gives the very alert. */
  readonly came_again: boolean
}

interface Sets {
  readonly whole: RuleSet
  readonly set: RuleSet
}

/** EngineError USAGE when no alert, or several, have an id that begins so. `configured`: where the rule is in force no more. */
export async function deriveAlert(
  source: ExplainSource,
  streams: readonly Stream[],
  idStart: string,
  configured: readonly RuleSource[],
): Promise<Derived> {
  const records = await source.alerts(idStart)
  const ids = [...new Set(records.map((r) => r.alert_id))]
  if (ids.length === 0) throw new EngineError('USAGE', `no alert ${idStart} in the log (old ones are deleted)`)
  if (ids.length > 1) throw new EngineError('USAGE', `${ids.length} alerts begin with ${idStart}: ${ids.slice(0, 5).join(', ')}`) // biome-ignore format: one step
  const alert = records[0]!
  for (const files of [await source.files(), configured]) {
    const located = await source.locate(files, isRuleOf(alert), () => alert.key)
    const sets = located && setsOf(alert, located.files, streams)
    if (sets) return derivedFrom(located.logs, streams, sets, alert)
  }
  const note = `rule ${alert.rule}@${alert.version} has another body now, or is gone`
  return { alert, steps: [], clauses: null, sequence: alert.violation === null ? null : sequenceOf(alert, null), note }
}

/** By the first of the logs from which it comes about again; else by one that has events of its key, if any. */
async function derivedFrom(
  logs: readonly ViewedLog[],
  streams: readonly Stream[],
  sets: Sets,
  alert: AlertRecord,
): Promise<Derived> {
  let best: Derived | null = null
  for (const log of logs) {
    const stretch = await stretchOf(log, streams, sets, alert)
    const derived = await (alert.violation === null ? derivedRule : derivedSequence)(stretch)
    if (derived.note === null) return derived
    if (!best || derived.steps.length > best.steps.length) best = derived
  }
  return best!
}

async function derivedRule(stretch: Stretch): Promise<Derived> {
  const { steps, kept } = await stepsTo(stretch)
  const clauses = await clausesAt(stretch, kept)
  return { alert: stretch.alert, steps, clauses, sequence: null, note: clauses ? null : whyNot(stretch) }
}

async function derivedSequence(stretch: Stretch): Promise<Derived> {
  const { alert, set } = stretch
  const came_again = await comesAgain(stretch)
  const sequence = { ...sequenceOf(alert, set.sequences[0]!), came_again }
  return { alert, steps: [], clauses: null, sequence, note: came_again ? null : whyNot(stretch) }
}

function whyNot({ isPartial }: Stretch): string {
  return isPartial ? `${OUT_OF_REACH}, or what its lists and features said then is not known any more` : OUT_OF_REACH
}

function sequenceOf({ evidence, violation: name }: AlertRecord, rule: SequenceRule | null): DerivedSequence {
  const violation = rule?.violations.find((v) => v.name === name)
  const match = rule?.matches.find((m) => m.name === name)
  return {
    condition: violation ? violationText(violation) : match ? matchText(match) : null,
    steps: (evidence?.events ?? []) as unknown as DerivedSequence['steps'],
    came_again: false,
  }
}

function isRuleOf({ rule, version, rule_hash }: AlertRecord): (r: Rule | SequenceRule) => boolean {
  return (r) => r.id === rule && r.version === version && r.hash === rule_hash
}

/** What the files say, and that rule alone; null where they do not have it with the very body. */
function setsOf(alert: AlertRecord, files: readonly RuleSource[], streams: readonly Stream[]): Sets | null {
  const compiled = compileRuleSet(files, { streams })
  if (!compiled.ok) return null
  const whole = compiled.set
  const [rules, sequences] = [whole.rules.filter(isRuleOf(alert)), whole.sequences.filter(isRuleOf(alert))]
  return rules.length + sequences.length === 0 ? null : { whole, set: { ...whole, rules, sequences, rankings: [] } }
}
