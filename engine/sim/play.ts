import type { Block, Mark } from '../model/block.ts'
import type { AlertRecord, MeasuresRecord, Output, RankingRecord } from '../model/output.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { blockOf, type Deal, dealStream } from './deals.ts'
import { ReferenceEngine } from './reference.ts'

export interface Play {
  readonly set: RuleSet
  readonly stream?: Stream
  readonly finite?: boolean
  /** `null`: the input has no end. */
  readonly until?: 'drained' | 'last' | null
  readonly measures?: boolean
}

export interface Played {
  readonly outputs: readonly Output[]
  readonly alerts: readonly AlertRecord[]
  readonly rankings: readonly RankingRecord[]
  readonly measures: readonly MeasuresRecord[]
  readonly counters: Readonly<Record<string, number>>
}

/** The reference over a timeline: single deals, blocks of deals of partition 0, marks, ready blocks. */
export function play(play: Play, timeline: readonly (Deal | readonly Deal[] | Mark | Block)[]): Played {
  const { set, stream = dealStream, finite = true, until = null, measures = false } = play
  const engine = new ReferenceEngine({ streams: [stream], set, finite, measures })
  const outputs = timeline.flatMap((entry) => {
    if ('kind' in entry) return engine.process(entry)
    return engine.process(blockOf(stream, 0, 'timeMs' in entry ? [entry] : entry))
  })
  if (until) outputs.push(...engine.finish(until))
  return {
    outputs,
    alerts: outputs.filter((o) => o.kind === 'alert'),
    rankings: outputs.filter((o) => o.kind === 'ranking'),
    measures: outputs.filter((o) => o.kind === 'measures'),
    counters: engine.counters,
  }
}

/** `open@20`, `closed@30 S2`: status, clock, and the key where it is not S. */
export function story(alerts: readonly AlertRecord[]): string[] {
  return alerts.map((a) => {
    const key = Object.values(a.key).join('+')
    return `${a.status}@${a.event_time}${key === 'S' ? '' : ` ${key}`}`
  })
}
