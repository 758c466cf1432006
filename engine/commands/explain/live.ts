import { own } from '../../kit/own.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { AlertRecord, Cell, MeasureValue } from '../../model/output.ts'
import { type Rule, type RuleSet, SEVERITIES, type SequenceRule } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import type { RulePlan } from '../../task/plans.ts'
import { rebuild, step } from '../../task/step.ts'
import { Task } from '../../task/task.ts'
import { setOf } from '../list-texts.ts'
import { type Clause, clauseReaders } from './clauses.ts'
import type { ExplainSource } from './source.ts'

/** What a rule knows of one key at the end of the log. */
export interface LiveKey {
  readonly rule: string
  readonly key: Readonly<Record<string, Cell>>
  /** Clock of the rule, epoch ms; null before the first event. */
  readonly at: number | null
  readonly measures: Readonly<Record<string, MeasureValue>>
  readonly clauses: readonly Clause[]
  /** The alert that is open on the key. */
  readonly alert: Pick<AlertRecord, 'alert_id' | 'severity' | 'first_seen'> | null
}

/**
 * Builds the state of the key's task again beside whatever engine runs, from the records that it has, and looks at the
 * key. EngineError USAGE when the rule is not in force there.
 */
export async function liveKey(
  source: ExplainSource,
  streams: readonly Stream[],
  isMeant: (rule: { id: string; version: number }) => boolean,
  key: Readonly<Record<string, string>>,
): Promise<LiveKey> {
  const files = await source.files()
  const keyIn = (rule: Rule | SequenceRule) =>
    Object.fromEntries(rule.by.map((name) => [name, cellOf(name, key, rule, streams)]))
  const located = await source.locate(files, (rule) => rule.kind === 'rule' && isMeant(rule), keyIn)
  let live: LiveKey | null = null
  for (const log of located?.logs ?? []) {
    const task = new Task({ streams, counters: new Counters(), finite: false })
    const position = await rebuild(task, log)
    for await (const records of log.after(position)) step(task, records)
    const plan = task.core.layout.rules.find(({ rule }) => isMeant(rule))
    if (!plan) throw notInForce(task.ruleSet, isMeant)
    const { keys } = task.core.layout.spaces[plan.space]!
    const before = keys.size
    const found = keyOfTask(task, plan, keyIn(plan.rule))
    live ??= found
    if (keys.size === before) return found // the task has it
  }
  if (live) return live
  throw notInForce(setOf(files, streams), isMeant)
}

function keyOfTask({ core, streamMs }: Task, plan: RulePlan, key: Readonly<Record<string, Cell>>): LiveKey {
  const { rule } = plan
  core.context.setKey(core.layout.spaces[plan.space]!, core.slotOfKey(plan, Object.values(key)))
  const open = core.alerts.open().find((a) => a.rule === rule.id && a.version === rule.version && same(a.key, key))
  return {
    rule: `${rule.id}@${rule.version}`,
    key,
    at: Number.isFinite(streamMs) ? streamMs - rule.settleMs : null,
    measures: Object.fromEntries(plan.measures.map(({ name, read }) => [name, read() ?? null])),
    clauses: clauseReaders(rule.when, plan.scope, false).map((read) => read()),
    alert: open ? { alert_id: open.id, severity: SEVERITIES[open.severity]!, first_seen: open.firstSeenMs } : null,
  }
}

function notInForce(set: RuleSet, isMeant: (rule: { id: string; version: number }) => boolean): EngineError {
  const sequence = set.sequences.find(isMeant)
  if (sequence) {
    const name = `${sequence.id}@${sequence.version}`
    return new EngineError('USAGE', `${name} is a sequence: it has no measures, and its alerts name their steps`)
  }
  const names = set.rules.map((rule) => `${rule.id}@${rule.version}`)
  const there = names.length === 0 ? 'no rules are' : `there are ${names.join(', ')}`
  return new EngineError('USAGE', `the rule is not in force on this log; ${there}`)
}

/** A key's part as its field holds it. EngineError USAGE when it is not given, or no such thing. */
function cellOf(
  name: string,
  key: Readonly<Record<string, string>>,
  rule: Rule | SequenceRule,
  streams: readonly Stream[],
): Cell {
  const text = own(key, name)
  if (text === undefined) throw new EngineError('USAGE', `--key ${name}=… is wanted: ${rule.id} groups by ${rule.by.join(', ')}`) // biome-ignore format: one step
  const letOf = rule.lets.find((l) => l.name === name)
  const kind = letOf ? letOf.type : streams.flatMap((s) => s.fields).find((f) => f.name === name)?.kind
  if (kind === 'string') return text
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number))
    throw new EngineError('USAGE', `--key ${name}=${text}: it is a ${kind}`)
  return number
}

function same(a: Readonly<Record<string, Cell>>, b: Readonly<Record<string, Cell>>): boolean {
  return Object.entries(a).every(([name, value]) => own(b, name) === value)
}
