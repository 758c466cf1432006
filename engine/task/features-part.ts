import type { Core } from './core.ts'
import type { FeatureBoard, SavedFeature } from './feature-board.ts'
import type { StatePart } from './state-part.ts'

/**
 * What features have published, as a part of the state: in the core's memory. A change of rules finds it by
 * `feature@version#hash`; a feature that is new tells the others all that the held events made it publish.
 */
export function featuresPart({ layout, context }: Core): StatePart<ReadonlyMap<string, SavedFeature>> {
  return {
    name: 'features',
    handOver: (stays) =>
      new Map(layout.boards.filter((board) => stays(nameOf(board))).map((board) => [nameOf(board), board.save()])),
    migrate: (handed, streamMs) => {
      for (const board of layout.boards) {
        const published = handed.get(nameOf(board))
        if (published) board.load(published, streamMs)
        else if (context.evaluating) board.announceAll()
      }
    },
  }
}

function nameOf({ feature }: FeatureBoard): string {
  return `${feature.id}@${feature.version}#${feature.hash}`
}
