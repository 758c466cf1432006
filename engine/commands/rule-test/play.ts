import { own } from '../../kit/own.ts'
import { type LogEntry, markAll } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { setCell } from '../../model/column.ts'
import { Counters } from '../../model/counters.ts'
import type { AlertRecord, MeasuresRecord, RankingRecord } from '../../model/output.ts'
import type { Rule, RuleSet, SequenceRule } from '../../model/rule.ts'
import { type Stream, streamOfType } from '../../model/stream.ts'
import { type RuleTest, ruleSetForTest, type TestStep } from '../../rules/index.ts'
import { finish, step } from '../../task/step.ts'
import { Task } from '../../task/task.ts'

/** What came out of a test's events. */
export interface Played {
  /** The last record of each alert, in order of opening: as it stood at the end. */
  readonly alerts: readonly AlertRecord[]
  readonly rankings: readonly RankingRecord[]
  /** The measures at each arrival, in order. */
  readonly measures: readonly MeasuresRecord[]
  readonly abstained: number
  /** Events that the rule did not take, by why: counters of the engine. */
  readonly dropped: { readonly late: number; readonly duplicate: number; readonly nullKey: number }
}

/**
 * Plays a test through the engine that runs in production. It ends when the rule's own clock stands at the last row:
 * with `settle` stream time goes on for that long.
 */
export function play(whole: RuleSet, test: RuleTest, streams: readonly Stream[]): Played {
  const set = ruleSetForTest(whole, test)
  const counters = new Counters()
  const task = new Task({ streams, counters, finite: true, commits: false, measures: true })
  task.install(set)
  let position = 0
  const read = (entry: LogEntry) => step(task, [{ position: position++, entry }]).outputs
  const made = test.events().flatMap((event, offset) => entriesOf(event, offset, streams).flatMap(read))
  const [only] = [...set.rules, ...set.sequences, ...set.rankings]
  made.push(...read(markAll(task.streamMs + (only?.settleMs ?? 0))))
  const abstained = counters.total('abstained_total')
  made.push(...finish(task, 'last'))
  const alerts = new Map(made.flatMap((o) => (o.kind === 'alert' ? [[o.alert_id, o]] : [])))
  const dropped = {
    late: counters.total('late_total'),
    duplicate: counters.total('duplicate_ids_total'),
    nullKey: counters.total('null_keys_total'),
  }
  return {
    alerts: [...alerts.values()],
    rankings: made.filter((o) => o.kind === 'ranking'),
    measures: made.filter((o) => o.kind === 'measures'),
    abstained,
    dropped,
  }
}

/**
 * The alerts that there would have been but for `mute_alert` exceptions: those of a second play without them that are
 * not among `alerts`.
 */
export function playMuted(
  whole: RuleSet,
  test: RuleTest,
  streams: readonly Stream[],
  alerts: readonly AlertRecord[],
): AlertRecord[] {
  const unmuted = <R extends Rule | SequenceRule>(rule: R): R => ({
    ...rule,
    exceptions: rule.exceptions.filter((e) => e.apply !== 'mute_alert'),
  })
  const [rules, sequences] = [whole.rules.map(unmuted), whole.sequences.map(unmuted)]
  const ids = new Set(alerts.map((a) => a.alert_id))
  return play({ ...whole, rules, sequences }, test, streams).alerts.filter((a) => !ids.has(a.alert_id))
}

/** What a row of a test is in a log. */
function entriesOf(row: TestStep, offset: number, streams: readonly Stream[]): LogEntry[] {
  if ('advanceToMs' in row) return [markAll(row.advanceToMs)]
  const stream = streamOfType(streams, row.type) as Stream
  const builder = new BlockBuilder(stream, stream.topic, 0)
  builder.begin(offset, row.atMs, row.type)
  stream.fields.forEach((field, i) => {
    setCell(builder, i, own(row.fields, field.name))
  })
  return [...(row.arrivesMs > row.atMs ? [markAll(row.arrivesMs)] : []), builder.build()]
}
