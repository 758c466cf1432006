import type { LogRecord, RuleSource } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { AlertRecord, MeasuresRecord, Output } from '../../model/output.ts'
import type { Rule, RuleSet, SequenceRule } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { compileRuleSet } from '../../rules/index.ts'
import { Task } from '../../task/task.ts'
import { type Clause, clauseReaders } from './clauses.ts'
import { matchText, violationText } from './sequence-text.ts'
import type { ExplainSource, ViewedLog } from './source.ts'

const STEPS_MAX = 50
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
    const set = located && setOf(alert, located.files, streams)
    if (set) return derivedFrom(located.logs, streams, set, alert)
  }
  const note = `rule ${alert.rule}@${alert.version} has another body now, or is gone`
  return { alert, steps: [], clauses: null, sequence: alert.violation === null ? null : sequenceOf(alert, null), note }
}

/** By the first of the logs from which it comes about again; else by one that has events of its key, if any. */
async function derivedFrom(
  logs: readonly ViewedLog[],
  streams: readonly Stream[],
  set: RuleSet,
  alert: AlertRecord,
): Promise<Derived> {
  let best: Derived | null = null
  for (const log of logs) {
    const derived = await (set.sequences.length > 0 ? derivedSequence : derivedRule)(log, streams, set, alert)
    if (derived.note === null) return derived
    if (!best || derived.steps.length > best.steps.length) best = derived
  }
  return best!
}

async function derivedRule(
  log: ViewedLog,
  streams: readonly Stream[],
  set: RuleSet,
  alert: AlertRecord,
): Promise<Derived> {
  const [rule] = set.rules as [Rule]
  const openedMs = alert.first_seen + rule.settleMs
  const read = () => log.past(openedMs - 2 * spanOf(set, streams), Number.POSITIVE_INFINITY)
  const steps = await stepsTo(read(), streams, set, alert)
  const clauses = await clausesAt(read(), streams, set, alert, openedMs)
  return { alert, steps, clauses, sequence: null, note: clauses ? null : OUT_OF_REACH }
}

async function derivedSequence(
  log: ViewedLog,
  streams: readonly Stream[],
  set: RuleSet,
  alert: AlertRecord,
): Promise<Derived> {
  const [rule] = set.sequences as [SequenceRule]
  const openedMs = alert.first_seen + rule.settleMs
  const records = log.past(openedMs - 2 * spanOf(set, streams), Number.POSITIVE_INFINITY)
  const cameAgain = await comesAgain(records, streams, set, alert, openedMs)
  const sequence = { ...sequenceOf(alert, rule), came_again: cameAgain }
  return { alert, steps: [], clauses: null, sequence, note: cameAgain ? null : OUT_OF_REACH }
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

async function comesAgain(
  records: AsyncIterable<readonly LogRecord[]>,
  streams: readonly Stream[],
  set: RuleSet,
  alert: AlertRecord,
  openedMs: number,
): Promise<boolean> {
  const task = freshTask(set, streams, false)
  let found = false
  const output = (made: Output) => {
    found ||= made.kind === 'alert' && made.alert_id === alert.alert_id
  }
  for await (const record of entriesOf(records)) {
    task.process(record, { output, change: () => {} })
    if (found || task.streamMs > openedMs) break
  }
  return found
}

function isRuleOf({ rule, version, rule_hash }: AlertRecord): (r: Rule | SequenceRule) => boolean {
  return (r) => r.id === rule && r.version === version && r.hash === rule_hash
}

/** That rule alone; null where the files do not have it with the very body. */
function setOf(alert: AlertRecord, files: readonly RuleSource[], streams: readonly Stream[]): RuleSet | null {
  const compiled = compileRuleSet(files, { streams })
  if (!compiled.ok) return null
  const isMeant = isRuleOf(alert)
  const [rules, sequences] = [compiled.set.rules.filter(isMeant), compiled.set.sequences.filter(isMeant)]
  return rules.length + sequences.length === 0 ? null : { ...compiled.set, rules, sequences, rankings: [] }
}

function freshTask(set: RuleSet, streams: readonly Stream[], measures: boolean): Task {
  const task = new Task({ streams, counters: new Counters(), finite: false, measures })
  task.install(set)
  return task
}

function spanOf(set: RuleSet, streams: readonly Stream[]): number {
  return freshTask(set, streams, false).rebuildSpanMs
}

/** The measures of the alert's key at each of its events, up to the one that opened it. */
async function stepsTo(
  records: AsyncIterable<readonly LogRecord[]>,
  streams: readonly Stream[],
  set: RuleSet,
  alert: AlertRecord,
): Promise<MeasuresRecord[]> {
  const task = freshTask(set, streams, true)
  const key = JSON.stringify(alert.key)
  const [rule] = set.rules as [Rule]
  const fromMs = alert.first_seen - rule.windowMs
  const steps: MeasuresRecord[] = []
  const output = (made: Output) => {
    if (made.kind !== 'measures' || JSON.stringify(made.key) !== key) return
    if (made.event_time > fromMs && made.event_time <= alert.first_seen) steps.push(made)
    if (steps.length > STEPS_MAX) steps.shift()
  }
  for await (const record of entriesOf(records)) {
    task.process(record, { output, change: () => {} })
    if (task.streamMs > alert.first_seen + rule.settleMs) break
  }
  return steps
}

/** The clauses when the alert opens again; null if it does not. */
async function clausesAt(
  records: AsyncIterable<readonly LogRecord[]>,
  streams: readonly Stream[],
  set: RuleSet,
  alert: AlertRecord,
  openedMs: number,
): Promise<Clause[] | null> {
  const task = freshTask(set, streams, false)
  task.beginReplay(new Map())
  let isReplaying = true
  let found: Clause[] | null = null
  const output = (made: Output) => {
    if (found || made.kind !== 'alert' || made.alert_id !== alert.alert_id || made.status !== 'open') return
    const plan = task.core.layout.rules[0]!
    found = clauseReaders(plan.rule.when, plan.scope, plan.rule.evaluate === 'arrival').map((read) => read())
  }
  for await (const record of entriesOf(records)) {
    if (isReplaying && reaches(record, openedMs)) {
      task.endReplay(new Map())
      isReplaying = false
    }
    if (isReplaying) task.replay(record)
    else task.process(record, { output, change: () => {} })
    if (found || task.streamMs > openedMs) break
  }
  return found
}

/** Events and marks: the rules are those of the alert, whatever came later. */
async function* entriesOf(batches: AsyncIterable<readonly LogRecord[]>): AsyncGenerator<LogRecord, void, undefined> {
  for await (const records of batches) for (const record of records) if (record.entry.kind !== 'rules') yield record
}

function reaches({ entry }: LogRecord, timeMs: number): boolean {
  if (entry.kind === 'block') return entry.timesMs.some((t) => t >= timeMs)
  return entry.kind === 'mark' && entry.upToMs >= timeMs
}
