import fc from 'fast-check'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import { finish, step } from '../task/step.ts'
import { snapshotOf } from '../task/testing.ts'
import { apart, firstDifference } from './compare.ts'
import { faultDifference } from './faults.ts'
import { freshTask } from './fresh-task.ts'
import { describeCase } from './generate/describe.ts'
import { type Case, cases, recordsOf } from './generate.ts'
import { ReferenceEngine, totalsOf } from './reference.ts'

/**
 * Where a run is cut, before record i (`length` = before the end). `one`, `all`: a snapshot goes into a fresh task;
 * `replay`: once, a fresh task is built again from the log and what the commits kept.
 */
export type Cuts = 'none' | 'one' | 'all' | 'replay'

const COUNTERS = [
  'duplicate_offsets_total',
  'duplicate_ids_total',
  'late_total',
  'null_keys_total',
  'missed_windows_total',
  'muted_total',
  'partial_matches_dropped_total',
  'sequence_answers_joined_total',
  'abstained_total',
  'abstained_total.null',
  'abstained_total.division_by_zero',
  'abstained_total.minimum_sample',
  'abstained_total.not_a_share',
]

interface Run {
  readonly outputs: readonly Output[]
  readonly counters: Readonly<Record<string, number>>
}

export function runReference(c: Case): Run {
  const { stream, set, finite, measures, until } = c
  const engine = new ReferenceEngine({ streams: [stream], set, finite, measures })
  const outputs: Output[] = []
  for (const { entry } of recordsOf(c))
    if (entry.kind === 'block' || entry.kind === 'mark') outputs.push(...engine.process(entry))
  outputs.push(...engine.finish(until))
  return { outputs, counters: engine.counters }
}

export function runTask(c: Case, cuts: Cuts): Run {
  const outputs: Output[] = []
  const kept = new Map<string, string>()
  const counters = new Counters()
  const records = recordsOf(c)
  let task = freshTask(c, counters)
  const cutAt = (i: number) => {
    if (cuts === 'none' || (cuts !== 'all' && i !== Math.round(c.cut * records.length))) return
    const before = task
    task = freshTask(c, counters)
    if (cuts !== 'replay') {
      task.restore(snapshotOf(before))
      return
    }
    const neededMs = before.streamMs - before.rebuildSpanMs
    let from = i
    while (from > 0 && streamMsAfter[from - 1] > neededMs) from--
    task.beginReplay(kept)
    for (const record of records.slice(from, i)) task.replay(record)
    task.endReplay(kept)
  }
  const streamMsAfter: number[] = []
  records.forEach((record, i) => {
    cutAt(i)
    const made = step(task, [record])
    outputs.push(...made.outputs)
    for (const [key, value] of made.changes) {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    }
    streamMsAfter.push(task.streamMs)
  })
  cutAt(records.length)
  outputs.push(...finish(task, c.until))
  return { outputs, counters: totalsOf(counters) }
}

/** What the task says differently from the reference, in words; null when they agree. */
export function disagreement(c: Case, cuts: Cuts): string | null {
  const expected = runReference(c)
  const actual = runTask(c, cuts)
  // Rule by rule: at one moment, and there only, they may take turns in another way than the reference.
  const settled = (outputs: readonly Output[]) => apart(withoutUnsettled(c, outputs))
  const difference = firstDifference(settled(expected.outputs), settled(actual.outputs))
  if (difference) return difference
  const counted = COUNTERS.filter((name) => (expected.counters[name] ?? 0) !== (actual.counters[name] ?? 0))
  if (counted.length === 0) return null
  return counted.map((n) => `${n}: expected ${expected.counters[n] ?? 0}, actual ${actual.counters[n] ?? 0}`).join('\n')
}

/**
 * Where an alert closes at the very moment of a baseline's step, the two do not agree yet whether the step counts: with
 * baselines, what closed alerts say of that moment (`now`) is not compared.
 */
function withoutUnsettled({ set }: Case, outputs: readonly Output[]): readonly Output[] {
  if (!set.rules.some(({ measures }) => measures.some(({ kind }) => kind === 'baseline'))) return outputs
  return outputs.map((output) => {
    if (output.kind !== 'alert' || output.status !== 'closed') return output
    const { now: _, ...rest } = output
    return rest
  })
}

/** Against the reference, cut or not; or against itself, with faults. */
export type Trial = Cuts | 'faults'

async function fault(c: Case, trial: Trial): Promise<string | null> {
  try {
    return trial === 'faults' ? await faultDifference(c) : disagreement(c, trial)
  } catch (error) {
    return `the task threw ${error instanceof Error ? error.stack : error}`
  }
}

export interface Search {
  readonly trial: Trial
  readonly stepsMax: number
  readonly runs: number
  readonly seed?: number
  readonly millisecondsMax?: number
}

/** Looks for a case in which the two disagree; the smallest one found as text, with what replays it. */
export async function search({ trial, stepsMax, runs, seed, millisecondsMax }: Search): Promise<string | null> {
  const property = fc.asyncProperty(cases(stepsMax), async (c) => (await fault(c, trial)) === null)
  const result = await fc.check(property, {
    numRuns: runs,
    ...(seed === undefined ? {} : { seed }),
    ...(millisecondsMax === undefined ? {} : { interruptAfterTimeLimit: millisecondsMax }),
  })
  if (!result.failed || !result.counterexample) return null
  const [smallest] = result.counterexample
  return [
    `seed ${result.seed}, path ${result.counterexamplePath}, trial ${trial}, at most ${stepsMax} steps`,
    await fault(smallest, trial),
    '',
    describeCase(smallest),
  ].join('\n')
}
