import type { Feature, RuleSet } from '../model/rule.ts'
import { finite, type SavedHistory } from './meta.ts'
import { SequenceOrigins } from './sequence/origins.ts'
import type { LoadedState } from './snapshot-pieces.ts'
import type { Changelog, StatePart } from './state-part.ts'

/** Since when a task has its events and its rules: what coverage is counted from, and what a replay goes by. */
export class History implements StatePart {
  readonly name = 'history'
  /** Stream time at which the task's history begins; -Infinity = that of the input. */
  startMs = Number.NEGATIVE_INFINITY
  readonly origins = new SequenceOrigins()
  #heldSinceMs = new Map<string, number>()
  #inForceSince: SavedHistory['inForceSince'] = {}
  #heldSinceAt: SavedHistory['heldSinceAt'] = {}

  /** Events of the type are held from after this stream time on; -Infinity = from its beginning. */
  heldSinceMs(type: string): number {
    return this.#heldSinceMs.get(type) ?? Number.NEGATIVE_INFINITY
  }

  /** True when the rule, `rule@version#hash`, was in force before the record at `position`. */
  wasInForce(rule: string, position: number): boolean {
    return this.#inForceSince[rule] < position
  }

  /** `set` comes into force by the record at `position`; `availableMs`: events of the type are there from then on. */
  install(set: RuleSet, position: number, availableMs: (type: string) => number): void {
    const types = [...set.rules, ...set.sequences, ...set.rankings, ...set.features].flatMap((d) => d.on)
    for (const type of new Set(types)) {
      this.#heldSinceMs.set(type, Math.max(this.heldSinceMs(type), availableMs(type)))
    }
    this.origins.install(set, position, (type) => this.heldSinceMs(type))
    const own = [...set.rules, ...set.rankings, ...set.features].map((d) => nameOf(d))
    const names = [...own, ...(set.shared?.features ?? []).map(nameOfRead)]
    this.#inForceSince = Object.fromEntries(names.map((name) => [name, this.#inForceSince[name] ?? position]))
    const known = { ...this.#heldSinceAt, [position]: heldSinceToJson(this.#heldSinceMs) }
    this.#heldSinceAt = Object.fromEntries(Object.values(this.#inForceSince).map((at) => [at, known[at]]))
  }

  /** A replay is at the record at `position`, that of a rule set. */
  replayTo(position: number): void {
    this.#heldSinceMs = heldSinceOf(this.#heldSinceAt[position] ?? {})
  }

  meta(): SavedHistory {
    return {
      historyMs: finite(this.startMs),
      heldSinceMs: heldSinceToJson(this.#heldSinceMs),
      origins: this.origins.toJson(),
      inForceSince: this.#inForceSince,
      heldSinceAt: this.#heldSinceAt,
    }
  }

  load({ meta }: LoadedState): void {
    this.#restore(meta)
  }

  /** Rule sets that are read on the way say what was held there. */
  beginReplay({ meta }: Changelog): void {
    if (meta) this.#restore({ ...meta, heldSinceMs: {} })
  }

  endReplay({ meta }: Changelog): void {
    if (meta) this.#restore(meta)
  }

  #restore(saved: SavedHistory): void {
    this.startMs = saved.historyMs ?? Number.NEGATIVE_INFINITY
    this.#heldSinceMs = heldSinceOf(saved.heldSinceMs)
    this.origins.restore(saved.origins ?? {})
    this.#inForceSince = saved.inForceSince
    this.#heldSinceAt = saved.heldSinceAt
  }
}

/** Name under which a feature that others publish is in force. */
export function nameOfRead(feature: Feature): string {
  return `read ${nameOf(feature)}`
}

function nameOf({ id, version, hash }: Pick<Feature, 'id' | 'version' | 'hash'>): string {
  return `${id}@${version}#${hash}`
}

function heldSinceOf(saved: SavedHistory['heldSinceMs']): Map<string, number> {
  return new Map(Object.entries(saved).map(([type, ms]) => [type, ms ?? Number.NEGATIVE_INFINITY]))
}

function heldSinceToJson(heldSinceMs: ReadonlyMap<string, number>): SavedHistory['heldSinceMs'] {
  return Object.fromEntries([...heldSinceMs].map(([type, ms]) => [type, finite(ms)]))
}
