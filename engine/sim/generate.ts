import fc from 'fast-check'
import type { LogRecord } from '../model/block.ts'
import { isRunning, type RuleSet } from '../model/rule.ts'
import { blockOf } from './deals.ts'
import { ALL_FEATURES, type Feature } from './generate/features.ts'
import { ruleSet } from './generate/rules.ts'
import { type Traffic, traffic } from './generate/stream.ts'

/** Everything that a run depends on; plain values, so that a counterexample can be read. */
export interface Case extends Traffic {
  readonly set: RuleSet
  readonly finite: boolean
  readonly until: 'drained' | 'last'
  readonly measures: boolean
  /** Where a run is cut by a snapshot, as a share of its records. */
  readonly cut: number
  /** Decides on crashes, repetitions and torn snapshots, where there are any. */
  readonly faultSeed: number
}

/** Cases with at most `stepsMax` events and marks. */
export const cases = (stepsMax: number, features: ReadonlySet<Feature> = ALL_FEATURES): fc.Arbitrary<Case> =>
  fc
    .record({
      set: ruleSet(features),
      traffic: traffic(stepsMax),
      finite: fc.boolean(),
      until: fc.constantFrom('drained' as const, 'last' as const),
      measures: fc.boolean(),
      cut: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
      faultSeed: fc.nat({ max: 1_000_000 }),
    })
    .map(({ set, traffic, ...rest }) => bounded({ ...rest, ...traffic, set: set(traffic.startMs) }))

/** Hours are not drained where an open episode is evaluated at the end of each second. */
function bounded(c: Case): Case {
  const windows = [...c.set.rules, ...c.set.features].flatMap((rule) => [rule, ...rule.measures.filter(isRunning)])
  const lengthsMs = windows.flatMap(({ tumbling }) => (tumbling ? [tumbling.lengthMs] : []))
  const isLong = Math.max(...lengthsMs) >= 1_000 * Math.min(...lengthsMs)
  return isLong ? { ...c, until: 'last' } : c
}

/** One case without shrinking, the same for the same seed. */
export function seededCase(seed: number, stepsMax: number, features: ReadonlySet<Feature> = ALL_FEATURES): Case {
  return fc.sample(cases(stepsMax, features), { seed, numRuns: 1 })[0]!
}

/** The entries as a task's log has them: positions rise, with gaps. */
export function recordsOf({ stream, entries }: Pick<Traffic, 'stream' | 'entries'>): LogRecord[] {
  return entries.map((entry, i) => ({
    position: 5 + 3 * i,
    entry: entry.kind === 'mark' ? entry : blockOf(stream, entry.partition, entry.deals),
  }))
}
