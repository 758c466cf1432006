import { newestMs } from '../../model/batch.ts'
import type { LogRecord } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import type { AlertRecord, MeasuresRecord, Output } from '../../model/output.ts'
import type { Rule, RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { FEATURE_PREFIX } from '../../task/feature-mirror.ts'
import { featuresAt, listChanges, withChanges } from '../../task/kept-then.ts'
import { LIST_PREFIX } from '../../task/lists.ts'
import { META_KEY } from '../../task/meta.ts'
import { stateSpanMs } from '../../task/rebuild-span.ts'
import { step } from '../../task/step.ts'
import { Task } from '../../task/task.ts'
import { type Clause, clauseReaders } from './clauses.ts'
import type { ViewedLog } from './source.ts'

const STEPS_MAX = 50

/** What an alert is derived again from. */
export interface Stretch {
  readonly alert: AlertRecord
  /** Its rule alone. */
  readonly set: RuleSet
  readonly streams: readonly Stream[]
  /** Stream time at which it opened, epoch ms. */
  readonly openedMs: number
  /** What features of other tasks said where the records begin, as commits keep it. */
  readonly features: ReadonlyMap<string, string>
  /** Commits may have forgotten some of what lists and features said then. */
  readonly isPartial: boolean
  /** Events, marks and what lists and features say; of rule sets nothing: the rule is that of the alert, whatever came later. */
  read(): AsyncIterable<LogRecord>
}

/** `whole`: what the task runs beside the alert's rule, `set`. */
export async function stretchOf(
  log: ViewedLog,
  streams: readonly Stream[],
  { set, whole }: { readonly set: RuleSet; readonly whole: RuleSet },
  alert: AlertRecord,
): Promise<Stretch> {
  const { kept } = await log.committed()
  const [rule] = [...set.rules, ...set.sequences]
  const openedMs = alert.first_seen + rule!.settleMs
  const task = freshTask(set, streams)
  const wholeTask = freshTask(whole, streams)
  const spanMs = 2 * task.rebuildSpanMs
  const epochMs = Math.max(1, stateSpanMs(whole, wholeTask.core.layout, streams))
  const epoch = Math.floor((openedMs - spanMs) / epochMs)
  // features are known as of the ends of epochs
  const fromMs = task.core.layout.mirrors.length > 0 ? epoch * epochMs : openedMs - spanMs
  const changes = listChanges(kept)
  const streamMs: number = JSON.parse(kept.get(META_KEY) ?? '{}').streamMs ?? Number.NEGATIVE_INFINITY
  const reads = /"op":"(inList|feature)"/.test(JSON.stringify(rule))
  return {
    alert,
    set,
    streams,
    openedMs,
    features: featuresAt(kept, epoch - 1),
    isPartial: reads && fromMs < streamMs - wholeTask.rebuildSpanMs,
    async *read() {
      const records = withChanges(log.past(fromMs, Number.POSITIVE_INFINITY), changes)
      for await (const record of records) if (record.entry.kind !== 'rules') yield record
    },
  }
}

function freshTask(set: RuleSet, streams: readonly Stream[], measures = false): Task {
  const task = new Task({ streams, counters: new Counters(), finite: false, measures })
  task.install(set)
  return task
}

/** One that knows what features said, and evaluates from the first record on. */
function taskFrom({ set, streams, features }: Stretch, measures: boolean): Task {
  const task = freshTask(set, streams, measures)
  task.beginReplay(features)
  task.endReplay(features)
  return task
}

/** Whether the alert is made again. */
export async function comesAgain(stretch: Stretch): Promise<boolean> {
  const task = taskFrom(stretch, false)
  for await (const { record } of upToOpening(stretch, task)) {
    const { outputs } = step(task, [record])
    if (outputs.some((made) => made.kind === 'alert' && made.alert_id === stretch.alert.alert_id)) return true
  }
  return false
}

/**
 * The measures of the alert's key at each of its events, up to the one that opened it; and what the task's commits would
 * keep of lists and features right before that.
 */
export async function stepsTo(
  stretch: Stretch,
): Promise<{ readonly steps: readonly MeasuresRecord[]; readonly kept: ReadonlyMap<string, string> }> {
  const { alert, set, features } = stretch
  const task = taskFrom(stretch, true)
  const key = JSON.stringify(alert.key)
  const [rule] = set.rules as [Rule]
  const fromMs = alert.first_seen - rule.windowMs
  const steps: MeasuresRecord[] = []
  const kept = new Map(features)
  for await (const { record, isBefore } of upToOpening(stretch, task)) {
    const { outputs, changes } = step(task, [record])
    for (const made of outputs) {
      if (made.kind !== 'measures' || JSON.stringify(made.key) !== key) continue
      if (made.event_time > fromMs && made.event_time <= alert.first_seen) steps.push(made)
      if (steps.length > STEPS_MAX) steps.shift()
    }
    if (!isBefore) continue
    for (const [name, value] of changes) {
      if (value === null) kept.delete(name)
      else if (name.startsWith(LIST_PREFIX) || name.startsWith(FEATURE_PREFIX)) kept.set(name, value)
    }
  }
  return { steps, kept }
}

/** The clauses when the alert opens again; null if it does not. `kept` is that of `stepsTo`. */
export async function clausesAt(
  stretch: Stretch,
  kept: ReadonlyMap<string, string>,
): Promise<readonly Clause[] | null> {
  const { alert, set, streams, features } = stretch
  const task = freshTask(set, streams)
  task.beginReplay(new Map([...kept].filter(([key]) => key.startsWith(LIST_PREFIX)).concat([...features])))
  let isReplaying = true
  let found: readonly Clause[] | null = null
  // read at the very moment: when the record has been read, its later events have moved the windows on
  const output = (made: Output) => {
    if (found || made.kind !== 'alert' || made.alert_id !== alert.alert_id || made.status !== 'open') return
    const plan = task.core.layout.rules[0]!
    found = clauseReaders(plan.rule.when, plan.scope, plan.rule.evaluate === 'arrival').map((read) => read())
  }
  for await (const { record, isBefore } of upToOpening(stretch, task)) {
    if (isReplaying && !isBefore) task.endReplay(kept)
    isReplaying = isBefore
    if (isReplaying) task.replay(record)
    else task.process(record, { output, change: () => {} })
    if (found) break
  }
  return found
}

/** Records for `task`, until its time is past the opening; `isBefore`: the opening is in a later one. */
async function* upToOpening(
  stretch: Stretch,
  task: Task,
): AsyncGenerator<{ readonly record: LogRecord; readonly isBefore: boolean }, void, undefined> {
  const { openedMs } = stretch
  let isBefore = true
  for await (const record of stretch.read()) {
    const { entry } = record
    isBefore &&= (entry.kind === 'mark' ? entry.upToMs : newestMs(entry)) < openedMs
    yield { record, isBefore }
    if (task.streamMs > openedMs) return
  }
}
