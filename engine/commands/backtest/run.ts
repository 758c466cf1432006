import type { JsonLinesWriter } from '../../edge/files/write.ts'
import type { Batch } from '../../model/block.ts'
import type { Limits } from '../../model/limits.ts'
import type { Output } from '../../model/output.ts'
import type { RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { eachEventId } from '../finite/event-ids.ts'
import type { Until } from '../finite/input.ts'
import type { LabelScore, Labels } from '../finite/labels.ts'
import { type Played, type PlayInput, playFinite } from '../finite/play.ts'
import { Summary } from '../finite/summary.ts'
import type { Progress } from './progress.ts'

export interface Run {
  readonly summary: Summary
  readonly played: Played
  readonly input: PlayInput
  /** id@version of each rule and ranking. */
  readonly ruleNames: readonly string[]
  /** Empty without labels. */
  readonly scores: readonly LabelScore[]
  /** Labels of events that are not in the input. */
  readonly labelsLeftOut: number
}

export interface RunOptions {
  readonly input: PlayInput
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly until: Until
  readonly measures: boolean
  readonly limits: Limits
  readonly labels: Labels | null
  readonly isWanted: (output: Output) => boolean
  /** Null: nothing is printed. */
  readonly writer: JsonLinesWriter | null
  readonly progress: Progress
  /** Said in front of the progress. */
  readonly what: string
}

/** One rule set over the whole input. */
export async function runBacktest(options: RunOptions): Promise<Run> {
  const { input, streams, set, until, measures, limits, labels, isWanted, writer, progress, what } = options
  const summary = new Summary()
  progress.begin()
  const play = {
    input,
    streams,
    set,
    until,
    measures: labels !== null || measures,
    limits,
    onProgress: (rows: number, timeMs: number) => progress.at(rows, input.share, timeMs, what),
    ...(labels ? { onBatch: (batch: Batch) => eachEventId(batch, streams, (id) => labels.read(id)) } : {}),
  }
  const played = await playFinite(play, async (outputs) => {
    for (const output of outputs) {
      summary.add(output)
      if (labels && output.kind === 'measures' && output.matched) labels.flag(output.event_id)
    }
    await writer?.write(outputs.filter(isWanted))
    return !writer?.broken
  })
  progress.end()
  const ruleNames = [...set.rules, ...set.sequences, ...set.rankings].map((d) => `${d.id}@${d.version}`)
  const labelled = { scores: labels?.scores() ?? [], labelsLeftOut: labels?.leftOut ?? 0 }
  return { summary, played, input, ruleNames, ...labelled }
}
