import fc from 'fast-check'
import { Counters } from '../model/counters.ts'
import type { Output, StateChange } from '../model/output.ts'
import type { Sink } from '../model/ports.ts'
import { Task } from '../task/task.ts'
import { apart, firstDifference } from './compare.ts'
import { describeCase } from './generate/describe.ts'
import { type Case, cases, recordsOf } from './generate.ts'
import { ReferenceEngine } from './reference.ts'

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
  'muted_total',
  'abstained_total',
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
  const change = ({ key, value }: StateChange): void => {
    if (value === null) kept.delete(key)
    else kept.set(key, value)
  }
  const sink: Sink = { output: (output) => outputs.push(output), change }
  const counters = new Counters()
  const records = recordsOf(c)
  let task = freshTask(c, counters)
  const cutAt = (i: number) => {
    if (cuts === 'none' || (cuts !== 'all' && i !== Math.round(c.cut * records.length))) return
    const before = task
    task = freshTask(c, counters)
    if (cuts !== 'replay') {
      task.restore(before.snapshot())
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
    task.process(record, sink)
    if (cuts === 'replay') task.flush(sink)
    streamMsAfter.push(task.streamMs)
  })
  cutAt(records.length)
  task.finish(c.until, sink)
  return { outputs, counters: Object.fromEntries(COUNTERS.map((name) => [name, counters.total(name)])) }
}

function freshTask({ stream, set, finite, measures }: Case, counters: Counters): Task {
  const task = new Task({ streams: [stream], counters, finite, measures })
  task.install(set)
  return task
}

/** What the task says differently from the reference, in words; null when they agree. */
export function disagreement(c: Case, cuts: Cuts): string | null {
  const expected = runReference(c)
  let actual: Run
  try {
    actual = runTask(c, cuts)
  } catch (error) {
    return `the task threw ${error instanceof Error ? error.stack : error}`
  }
  // Rule by rule: at one moment, and there only, they may take turns in another way than the reference.
  const difference = firstDifference(apart(expected.outputs), apart(actual.outputs))
  if (difference) return difference
  const counted = COUNTERS.filter((name) => (expected.counters[name] ?? 0) !== actual.counters[name])
  if (counted.length === 0) return null
  return counted.map((n) => `${n}: expected ${expected.counters[n] ?? 0}, actual ${actual.counters[n]}`).join('\n')
}

export interface Search {
  readonly cuts: Cuts
  readonly stepsMax: number
  readonly runs: number
  readonly seed?: number
  readonly millisecondsMax?: number
}

/** Looks for a case in which the two disagree; the smallest one found as text, with what replays it. */
export function search({ cuts, stepsMax, runs, seed, millisecondsMax }: Search): string | null {
  const property = fc.property(cases(stepsMax), (c) => disagreement(c, cuts) === null)
  const result = fc.check(property, {
    numRuns: runs,
    ...(seed === undefined ? {} : { seed }),
    ...(millisecondsMax === undefined ? {} : { interruptAfterTimeLimit: millisecondsMax }),
  })
  if (!result.failed || !result.counterexample) return null
  const [smallest] = result.counterexample
  return [
    `seed ${result.seed}, path ${result.counterexamplePath}, cuts ${cuts}, at most ${stepsMax} steps`,
    disagreement(smallest, cuts),
    '',
    describeCase(smallest),
  ].join('\n')
}
