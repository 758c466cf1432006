import { LogView } from '../../edge/local/log-view.ts'
import type { LogRecord, RuleSource } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { AlertRecord, MeasuresRecord, Output } from '../../model/output.ts'
import type { Rule, RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { compileRuleSet } from '../../rules/index.ts'
import { RULES_KEY, Task } from '../../task/task.ts'
import { type Clause, clauseReaders } from './clauses.ts'

const STEPS_MAX = 50

/** An alert derived once more from the log. */
export interface Derived {
  /** As it was put out when it opened. */
  readonly alert: AlertRecord
  /** The newest measures of the key, event by event, up to the opening; at most 50. */
  readonly steps: readonly MeasuresRecord[]
  /** At the opening; null where it did not come about again. */
  readonly clauses: readonly Clause[] | null
  /** Why it did not. */
  readonly note: string | null
}

/** EngineError USAGE when no alert, or several, have an id that begins so. `files`: the configured rules. */
export async function deriveAlert(
  folder: string,
  streams: readonly Stream[],
  idStart: string,
  files: readonly RuleSource[],
): Promise<Derived> {
  const log = new LogView(folder, streams)
  try {
    const records = log.alert(idStart)
    const ids = [...new Set(records.map((r) => r.alert_id))]
    if (ids.length === 0) throw new EngineError('USAGE', `no alert ${idStart} in the local log (old ones are deleted)`)
    if (ids.length > 1) throw new EngineError('USAGE', `${ids.length} alerts begin with ${idStart}: ${ids.slice(0, 5).join(', ')}`) // biome-ignore format: one step
    const alert = records[0]!
    const blank = { alert, steps: [], clauses: null }
    if (alert.violation !== null)
      return { ...blank, note: `what a sequence found are its steps: ${sequenceSteps(alert)}` }
    const { kept } = await log.committed()
    const set = setOf(alert, [JSON.parse(kept.get(RULES_KEY) ?? '[]') as RuleSource[], files], streams)
    if (!set) return { ...blank, note: `rule ${alert.rule}@${alert.version} has another body now, or is gone` }
    const [rule] = set.rules as [Rule]
    const openedMs = alert.first_seen + rule.settleMs
    const read = () => log.past(openedMs - 2 * spanOf(set, streams), Number.POSITIVE_INFINITY)
    const steps = await stepsTo(read(), streams, set, alert)
    const clauses = await clausesAt(read(), streams, set, alert, openedMs)
    const note = clauses ? null : 'the log no longer reaches back far enough to derive it'
    return { alert, steps, clauses, note }
  } finally {
    log.close()
  }
}

/** `created 2026-01-05T00:00:00.000Z, …` */
function sequenceSteps({ evidence }: AlertRecord): string {
  const steps = evidence?.events ?? []
  return steps.map(({ step, event_time }) => `${step} ${new Date(Number(event_time)).toISOString()}`).join(', ')
}

/** That rule alone, from the first of the file sets that has it with the very body. */
function setOf(
  { rule, version, rule_hash }: AlertRecord,
  fileSets: readonly (readonly RuleSource[])[],
  streams: readonly Stream[],
): RuleSet | null {
  for (const files of fileSets) {
    const compiled = compileRuleSet(files, { streams })
    if (!compiled.ok) continue
    const rules = compiled.set.rules.filter((r) => r.id === rule && r.version === version && r.hash === rule_hash)
    if (rules.length > 0) return { ...compiled.set, rules, sequences: [], rankings: [] }
  }
  return null
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
