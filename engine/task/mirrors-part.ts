import type { FeatureMirror, SavedMirror } from './feature-mirror.ts'
import { nameOfRead } from './history.ts'
import type { StatePart } from './state-part.ts'

interface Handed {
  readonly mirror: FeatureMirror
  /** Null: the feature was not read before. */
  readonly saved: SavedMirror | null
}

/**
 * What features of other tasks say, as a part of the state: in the core's memory, and in the changelog as records of
 * them are read. A replay begins with what they said some time before its first record. Held events are asked with what
 * they say now; a feature is the same by id, version and hash.
 */
export function mirrorsPart(mirrors: readonly FeatureMirror[]): StatePart<readonly Handed[]> {
  return {
    name: 'feature mirrors',
    beginReplay: ({ entries, meta }) => {
      for (const mirror of mirrors) mirror.restore(entries, meta?.streamMs ?? Number.NEGATIVE_INFINITY)
    },
    endReplay: ({ entries }) => {
      for (const mirror of mirrors) mirror.restore(entries, null)
    },
    handOver: (stays) =>
      mirrors.map((mirror) => ({ mirror, saved: stays(nameOfRead(mirror.feature)) ? mirror.save() : null })),
    beginMigration: (handed, streamMs) => {
      const next = new Map(mirrors.map((mirror) => [nameOfRead(mirror.feature), mirror]))
      for (const { mirror } of handed) if (!next.has(nameOfRead(mirror.feature))) mirror.drop()
      for (const { mirror, saved } of handed) if (saved) next.get(nameOfRead(mirror.feature))?.load(saved, streamMs)
    },
  }
}
