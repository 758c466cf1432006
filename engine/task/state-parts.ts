import type { Memory } from '../state/memory.ts'
import { alertsPart } from './alerts-part.ts'
import { baselinesPart } from './baselines-part.ts'
import type { Commit } from './commit.ts'
import type { Core } from './core.ts'
import { featuresPart } from './features-part.ts'
import { heldPart } from './held-part.ts'
import type { History } from './history.ts'
import type { Intake } from './intake.ts'
import type { Lists } from './lists.ts'
import { listsPart } from './lists-part.ts'
import { mirrorsPart } from './mirrors-part.ts'
import { ranksPart } from './ranks-part.ts'
import { sequencesPart } from './sequence/sequences-part.ts'
import type { Sources } from './sources.ts'
import type { StatePart } from './state-part.ts'

/** Those whose state it is. `time`: stream time as a part, which moves the core. */
interface Owners {
  readonly lists: Lists
  readonly history: History
  readonly sources: Sources
  readonly intake: Intake
  readonly commit: Commit
  readonly time: StatePart
  readonly core: Core
  /** Changes of lists from before this stream time are needed by no replay. */
  readonly horizonMs: () => number
}

/**
 * All state of a task under one rule set, in the order in which it is saved, loaded, replayed and migrated. The rule set
 * itself comes before all of it: it makes the core, and so says what parts there are.
 *
 * - What events, timers and conditions ask stands before stream time, for that moves on as it is restored: waiting
 *   events enter, and timers of sequences fire.
 * - Numbers count on from the events that are held by then, those that wait and those that have entered.
 * - What refers to a key (baselines, alerts) stands behind the memory that the keys are in, and behind the events that
 *   make them. Ranks stand last: a ranking starts its clock only where there are keys or ranks.
 */
export function stateParts(owners: Owners): readonly StatePart[] {
  const { lists, history, sources, intake, commit, time, core, horizonMs } = owners
  return [
    listsPart(lists, commit, horizonMs),
    history,
    sources,
    mirrorsPart(core.layout.mirrors),
    sequencesPart(core),
    time,
    commit,
    memoryPart('coreMemory', core.memory),
    memoryPart('intakeMemory', intake.memory),
    heldPart(core),
    core.numbers,
    baselinesPart(core),
    featuresPart(core),
    alertsPart(core),
    ranksPart(core),
  ]
}

/** All pages of a memory, and the numbers beside them: key spaces, measures, strings; ids of events. */
function memoryPart(name: 'coreMemory' | 'intakeMemory', memory: Memory): StatePart {
  return {
    name,
    save: () => ({ [name]: memory }),
    load: (saved) => memory.load(saved[name].roots, saved[name].pages),
  }
}
