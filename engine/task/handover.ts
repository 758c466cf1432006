import type { Block } from '../model/block.ts'
import type { Core } from './core.ts'
import type { History } from './history.ts'
import type { Intake } from './intake.ts'
import type { Sources } from './sources.ts'
import type { StatePart } from './state-part.ts'

/** Where the next core goes on. */
interface Place {
  readonly intake: Intake
  readonly sources: Sources
  readonly history: History
  readonly streamMs: number
}

/** What the parts of a core hand over to those of the next, by name. `stays`: a definition was in force before. */
export function handOver(parts: readonly StatePart[], stays: (name: string) => boolean): ReadonlyMap<string, unknown> {
  return new Map(parts.map((part) => [part.name, part.handOver?.(stays)]))
}

/** Into a core that has read nothing yet: what was handed over, around the held events. */
export function migrate(
  { core, parts }: { readonly core: Core; readonly parts: readonly StatePart[] },
  handed: ReadonlyMap<string, unknown>,
  held: Iterable<Block>,
  place: Place,
): void {
  for (const part of parts) part.beginMigration?.(handed.get(part.name), place.streamMs)
  readHeld(core, held, place)
  for (const part of parts) part.migrate?.(handed.get(part.name), place.streamMs)
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
