import type { Sink } from '../model/ports.ts'
import { META_KEY, RULES_KEY } from './meta.ts'
import type { LoadedState } from './snapshot-pieces.ts'
import type { Changelog, SavedParts, StatePart } from './state-part.ts'

/** What the next commit changes, and the open alerts and ranks as it would leave them. */
export class Commit implements StatePart {
  readonly name = 'commit'
  readonly #changes = new Map<string, string | null>()
  #kept = new Map<string, string>()

  /** A record that is no alert and no rank. */
  set(key: string, value: string | null): void {
    this.#changes.set(key, value)
  }

  /** An alert or a rank; null = it is gone. */
  change(key: string, value: string | null): void {
    this.#changes.set(key, value)
    if (value === null) this.#kept.delete(key)
    else this.#kept.set(key, value)
  }

  save(): Pick<SavedParts, 'kept'> {
    return { kept: this.#kept }
  }

  load({ kept }: LoadedState): void {
    this.#kept = new Map(kept)
  }

  /** What the replay changed had been committed. */
  endReplay({ entries }: Changelog): void {
    this.#changes.clear()
    this.#kept = new Map(entries)
    for (const key of [META_KEY, RULES_KEY]) this.#kept.delete(key)
  }

  flush(sink: Sink): void {
    for (const [key, value] of this.#changes) sink.change({ key, value })
    this.#changes.clear()
  }
}
