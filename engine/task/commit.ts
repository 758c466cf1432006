import type { Sink } from '../model/ports.ts'
import { META_KEY, RULES_KEY } from './meta.ts'

/** What the next commit changes, and the open alerts and ranks as it would leave them. */
export class Commit {
  readonly #changes = new Map<string, string | null>()
  #kept = new Map<string, string>()

  get kept(): ReadonlyMap<string, string> {
    return this.#kept
  }

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

  /** Takes up what commits of before kept. */
  keepAll(entries: readonly (readonly [string, string])[]): void {
    this.#kept = new Map(entries)
    for (const key of [META_KEY, RULES_KEY]) this.#kept.delete(key)
  }

  forgetChanges(): void {
    this.#changes.clear()
  }

  flush(sink: Sink): void {
    for (const [key, value] of this.#changes) sink.change({ key, value })
    this.#changes.clear()
  }
}
