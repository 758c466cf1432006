import { META_KEY, type Meta } from './meta.ts'
import type { StateToSave } from './snapshot.ts'
import type { LoadedState } from './snapshot-pieces.ts'

/** What commits kept, as a restore from the changelog finds it. */
export interface Changelog {
  readonly entries: ReadonlyMap<string, string>
  /** Null: no commit wrote one. */
  readonly meta: Meta | null
}

/** What parts put into a snapshot beside the meta record. */
export type SavedParts = Pick<StateToSave, 'lists' | 'coreMemory' | 'intakeMemory' | 'held' | 'kept'>

/**
 * One part of a task's state, and how it outlives its task (a snapshot, the changelog) and its core (a change of rules).
 * All parts stand in one list, `stateParts`; the methods are called in the order of that list. A part leaves out what
 * does not concern it: arrays are in snapshots only, and filled again by the events that are read.
 *
 * `Handed` is what goes from the part of one core to the same part of the next. It must say by what identity its pieces
 * are found again (a rule's id and version, a hash, a key's values), since slots, codes and rows are those of one core.
 */
export interface StatePart<Handed = unknown> {
  /** Unique in the list. */
  readonly name: string

  /** Its fields of the meta record, which is in each commit and in each snapshot. */
  meta?(): Partial<Meta>

  /** Snapshot: what of it is to be saved beside the meta record. Nothing of it is copied before all parts were asked. */
  save?(): Partial<SavedParts>
  /** Snapshot: into a part that is empty. */
  load?(saved: LoadedState): void

  /** Changelog: hands what changed since the last commit to the next one. */
  writeChanges?(): void
  /** Changelog: into a part that is empty, before records are replayed: what it must know to read them. */
  beginReplay?(changelog: Changelog): void
  /** The record at `position` is about to be replayed. */
  replayAt?(position: number): void
  /** All records are replayed: what they do not say, as of the last commit. */
  endReplay?(changelog: Changelog): void

  /** Change of rules: what the next core gets. `stays`: a definition, by its name with the hash, was in force before. */
  handOver?(stays: (name: string) => boolean): Handed
  /** Change of rules: into a part that is empty, before the held events are read: what it must know to read them. */
  beginMigration?(handed: Handed, streamMs: number): void
  /** The held events are read, and stream time is `streamMs`. */
  migrate?(handed: Handed, streamMs: number): void
}

export function changelogOf(entries: ReadonlyMap<string, string>): Changelog {
  const meta = entries.get(META_KEY)
  return { entries, meta: meta === undefined ? null : JSON.parse(meta) }
}

/** The meta record of a commit or a snapshot of this moment. */
export function metaOf(parts: readonly StatePart[]): Meta {
  return Object.assign({}, ...parts.map((part) => part.meta?.()))
}

/** What a snapshot of this moment is made of. */
export function savedOf(parts: readonly StatePart[]): SavedParts {
  return Object.assign({}, ...parts.map((part) => part.save?.()))
}
