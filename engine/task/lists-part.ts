import type { Commit } from './commit.ts'
import type { Lists } from './lists.ts'
import type { StatePart } from './state-part.ts'

/**
 * The lists of a task as a part of its state. They belong to the task, not to the core: a change of rules finds them as
 * they are. A replay knows all that lists will be, and shows of it what there was at the record at hand.
 */
export function listsPart(lists: Lists, commit: Commit, horizonMs: () => number): StatePart {
  return {
    name: 'lists',
    save: () => ({ lists: lists.saved() }),
    load: (saved) => lists.restore(saved.lists),
    writeChanges: () => lists.flush((key, value) => commit.set(key, value), horizonMs()),
    beginReplay: ({ entries }) => lists.restore(entries),
    replayAt: (position) => {
      lists.replayingAt = position
    },
    endReplay: () => {
      lists.replayingAt = null
    },
  }
}
