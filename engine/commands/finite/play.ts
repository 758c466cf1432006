import { Counters } from '../../model/counters.ts'
import type { Output } from '../../model/output.ts'
import type { RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { Task } from '../../task/task.ts'
import type { FiniteInput, Until } from './input.ts'

export interface FinitePlay {
  readonly input: FiniteInput
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly until: Until
  readonly measures: boolean
}

export interface Played {
  readonly counters: Counters
  /** Rows read, dropped ones included. */
  readonly rows: number
  readonly tookMs: number
}

/**
 * One finite input through a fresh engine. `take` gets the outputs block by block and says whether it wants more: a
 * reader that has gone away ends it.
 */
export async function playFinite(
  { input, streams, set, until, measures }: FinitePlay,
  take: (outputs: readonly Output[]) => Promise<boolean>,
): Promise<Played> {
  const counters = new Counters()
  const task = new Task({ streams, counters, finite: true, measures })
  task.install(set)
  let outputs: Output[] = []
  const sink = { output: (output: Output) => outputs.push(output), change: () => {} }
  let rows = 0
  let position = 0
  const beganAt = performance.now()
  for await (const entry of input.blocks()) {
    task.process({ position: position++, entry }, sink)
    rows += entry.length
    if (outputs.length === 0) continue
    if (!(await take(outputs))) return { counters, rows, tookMs: performance.now() - beganAt }
    outputs = []
  }
  if (typeof until === 'number') task.advanceTo(until, sink)
  task.finish(until === 'drained' ? 'drained' : 'last', sink)
  await take(outputs)
  return { counters, rows, tookMs: performance.now() - beganAt }
}
