import type { StringTable } from '../state/string-table.ts'
import type { SavedPoints } from './baseline.ts'
import type { Clock } from './clock.ts'
import type { FeatureBoard, SavedFeature } from './feature-board.ts'
import type { IdleKeys } from './idle-keys.ts'
import type { Layout } from './layout.ts'
import type { BaselinePlan } from './plans.ts'

/** Points by `rule@version#hash/measure`. */
export type SavedBaselines = readonly (readonly [string, readonly SavedPoints[]])[]

export type SavedFeatures = readonly (readonly [string, SavedFeature])[]

type KeyValues = readonly (string | number | boolean | null)[]

/** What the rules and features of one rule set hand on to those of the next that have stayed the same. */
export class Carried {
  readonly #layout: Layout
  readonly #clocks: readonly Clock[]
  readonly #strings: StringTable
  readonly #idle: IdleKeys

  constructor(layout: Layout, clocks: readonly Clock[], strings: StringTable, idle: IdleKeys) {
    this.#layout = layout
    this.#clocks = clocks
    this.#strings = strings
    this.#idle = idle
  }

  /** All points of the past, by rule and measure: what baselines keep beyond the events held. */
  saveBaselines(): SavedBaselines {
    return [...this.#layout.baselines].map(([name, { baseline, clock }]) => [
      name,
      baseline.save(this.#clocks[clock].nowMs, (code) => this.#strings.value(code)),
    ])
  }

  /** Takes up the points of those that this rule set has too. */
  loadBaselines(saved: SavedBaselines): void {
    const done = new Set<BaselinePlan>()
    for (const [name, points] of saved) {
      const plan = this.#layout.baselines.get(name)
      if (!plan || done.has(plan)) continue
      done.add(plan)
      const { baseline, space, clock } = plan
      baseline.load(
        points,
        this.#clocks[clock].nowMs,
        (key) => this.slotOfKey(plan, key),
        (slot) => this.#idle.add(space, slot),
      )
    }
    this.#idle.forget()
  }

  /** What features have published, by `feature@version#hash`. */
  saveFeatures(): SavedFeatures {
    return this.#layout.boards.map((board) => [featureName(board), board.save()])
  }

  /** Takes up what was published by features that this rule set has too. */
  loadFeatures(saved: SavedFeatures, streamMs: number): void {
    for (const board of this.#layout.boards) {
      const known = saved.find(([name]) => name === featureName(board))
      if (known) board.load(known[1], streamMs)
    }
  }

  /** Slot of a key given by its values, made if need be. */
  slotOfKey(plan: { readonly space: number }, values: KeyValues): number {
    const space = this.#layout.spaces[plan.space]
    const codes = values.map((v) =>
      typeof v === 'string' ? this.#strings.internText(v) : this.#strings.internNumber(Number(v)),
    )
    space.keys.probe.set(codes)
    const slot = space.slotOf()
    for (const code of codes) this.#strings.release(code)
    return slot
  }
}

export function featureName({ feature }: FeatureBoard): string {
  return `${feature.id}@${feature.version}#${feature.hash}`
}
