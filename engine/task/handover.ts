import type { Block } from '../model/block.ts'
import type { SourcePosition } from '../model/output.ts'
import type { Alert } from './alert.ts'
import { featureName, type SavedBaselines, type SavedFeatures } from './carried.ts'
import type { Core } from './core.ts'
import type { SavedMirror } from './feature-mirror.ts'
import { blocksOf } from './held-blocks.ts'
import { type History, nameOfRead } from './history.ts'
import type { Intake } from './intake.ts'
import { type KeptEntries, ranksOf, restoreAlert, restoreRanks } from './kept-state.ts'
import { freezeSequences, loadSequences, type SavedSequence, saveSequences } from './sequence/saved.ts'
import type { Sources } from './sources.ts'

/** What a core leaves to the one that comes after it under another rule set. */
interface Handover extends ReturnType<Core['numbers']> {
  readonly held: Iterable<Block>
  readonly baselines: SavedBaselines
  readonly features: SavedFeatures
  readonly mirrors: readonly SavedMirror[]
  readonly sequences: readonly SavedSequence[]
  readonly alerts: readonly Alert[]
  readonly ranks: KeptEntries
}

/** Of baselines, features and mirrors those of rules for which `wasInForce`. `held` reads the core only as it is gone through. */
export function handOver(
  core: Core,
  sources: readonly Omit<SourcePosition, 'offset'>[],
  wasInForce: (rule: string) => boolean,
): Handover {
  return {
    baselines: core.saveBaselines().filter(([name]) => wasInForce(name.slice(0, name.lastIndexOf('/')))),
    features: core.saveFeatures().filter(([name]) => wasInForce(name)),
    mirrors: core.layout.mirrors.filter((m) => wasInForce(nameOfRead(m.feature))).map((m) => m.save()),
    held: blocksOf(core, sources),
    alerts: core.alerts.open(),
    ranks: ranksOf(core),
    sequences: saveSequences(core),
    ...core.numbers(),
  }
}

/** Where a core takes over. */
interface Place {
  readonly intake: Intake
  readonly sources: Sources
  readonly history: History
  readonly streamMs: number
}

/**
 * Into a core that has read nothing yet. What features say that others publish is asked as it is now. Gives the alerts of
 * rules that it does not have.
 */
export function takeOver(core: Core, handover: Handover, place: Place): Alert[] {
  const { sequences } = handover
  core.warmUntilMs = place.streamMs + core.layout.retentionMs
  place.intake.forgetTypes()
  for (const mirror of core.layout.mirrors) {
    const saved = handover.mirrors.find((m) => nameOfRead(m.feature) === nameOfRead(mirror.feature))
    if (saved) mirror.load(saved, place.streamMs)
  }
  freezeSequences(core, sequences, true)
  readHeld(core, handover.held, place)
  freezeSequences(core, sequences, false)
  loadSequences(core, sequences)
  core.setNumbers(handover.rows, handover.entries)
  core.loadBaselines(handover.baselines)
  core.loadFeatures(handover.features)
  for (const board of core.layout.boards)
    if (core.evaluating && !handover.features.some(([name]) => name === featureName(board))) board.announceAll()
  const lost = handover.alerts.filter((alert) => !restoreAlert(core, alert))
  restoreRanks(core, handover.ranks, place.streamMs)
  return lost
}

/** Holds and enters events of before, in the order in which they were read, without evaluation. */
function readHeld(core: Core, held: Iterable<Block>, { intake, sources, history, streamMs }: Place): void {
  const evaluating = core.evaluating
  core.evaluating = false
  let nowMs = Number.NEGATIVE_INFINITY
  const sinceMs = core.layout.types.map(({ name }) => history.heldSinceMs(name))
  for (const block of held) {
    const wanted = intake.list(block, sources, (row, type) => block.timesMs[row] > sinceMs[type])
    let row = core.hold(block, intake.wanted, wanted, intake.types, intake.sources)
    for (let k = 0; k < wanted; k++) {
      const i = intake.wanted[k]
      if (block.timesMs[i] > nowMs) {
        nowMs = block.timesMs[i]
        core.advance(nowMs)
      }
      core.enter(row++)
    }
  }
  core.rows.takeOutOfRange()
  if (streamMs !== Number.NEGATIVE_INFINITY) core.advance(streamMs)
  core.evaluating = evaluating
}
