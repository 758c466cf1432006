import { own } from '../../kit/own.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { setCell } from '../../model/column.ts'
import { Counters } from '../../model/counters.ts'
import type { AlertRecord, MeasuresRecord, RankingRecord } from '../../model/output.ts'
import type { Rule, RuleSet, SequenceRule } from '../../model/rule.ts'
import { type Stream, streamOfType } from '../../model/stream.ts'
import { type RuleTest, ruleSetForTest, type TestStep } from '../../rules/index.ts'
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
  const task = new Task({ streams, counters, finite: true, measures: true })
  const alerts = new Map<string, AlertRecord>()
  const rankings: RankingRecord[] = []
  const measures: MeasuresRecord[] = []
  const sink = {
    output: (output: AlertRecord | RankingRecord | MeasuresRecord) => {
      if (output.kind === 'alert') alerts.set(output.alert_id, output)
      else if (output.kind === 'ranking') rankings.push(output)
      else measures.push(output)
    },
    change: () => {},
  }
  task.install(set)
  for (const [position, step] of test.events().entries()) {
    const clockMs = 'advanceToMs' in step ? step.advanceToMs : step.arrivesMs > step.atMs ? step.arrivesMs : null
    if (clockMs !== null) task.advanceTo(clockMs, sink)
    if ('type' in step) task.process({ position, entry: blockOf(step, position, streams) }, sink)
  }
  const [only] = [...set.rules, ...set.sequences, ...set.rankings]
  task.advanceTo(task.streamMs + (only?.settleMs ?? 0), sink)
  const abstained = counters.total('abstained_total')
  task.finish('last', sink)
  const dropped = {
    late: counters.total('late_total'),
    duplicate: counters.total('duplicate_ids_total'),
    nullKey: counters.total('null_keys_total'),
  }
  return { alerts: [...alerts.values()], rankings, measures, abstained, dropped }
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

function blockOf(step: Exclude<TestStep, { advanceToMs: number }>, offset: number, streams: readonly Stream[]) {
  const stream = streamOfType(streams, step.type) as Stream
  const builder = new BlockBuilder(stream, stream.topic, 0)
  builder.begin(offset, step.atMs, step.type)
  stream.fields.forEach((field, i) => {
    setCell(builder, i, own(step.fields, field.name))
  })
  return builder.build()
}
