import type { Definition } from '../../model/rule.ts'
import { KEY_CELLS, KeySpace } from '../../state/key-space.ts'
import type { Memory } from '../../state/memory.ts'
import type { StringTable } from '../../state/string-table.ts'
import type { Columns } from '../columns.ts'
import type { ClockPlan } from '../plans.ts'
import type { TumblingGroup, TumblingWindow } from '../tumbling.ts'

export interface KeySpacePlan {
  readonly id: string
  /** Code columns that make up the key. */
  readonly codes: readonly number[]
  cells: number
  /** Longest window + settle over its keys. */
  longestMs: number
}

/** The key spaces of a rule set, made at the first asking, and the cells that each key has there. */
export class KeySpacePlans {
  readonly plans: KeySpacePlan[] = []
  readonly #columns: Columns

  constructor(columns: Columns) {
    this.#columns = columns
  }

  /** Index of the key space of these fields; `apart`: whose own it is, '' = that of all who ask for the same key. */
  of(definition: Definition, by: readonly string[], apart: string): number {
    const codes = by.map((name) => this.#columns.code(definition, name).index)
    const id = `${codes.join(',')} ${apart}`
    const known = this.plans.findIndex((s) => s.id === id)
    if (known >= 0) return known
    return this.plans.push({ id, codes, cells: KEY_CELLS, longestMs: 0 }) - 1
  }

  /** Cells of a key space in a tumbling window. */
  tumblingGroup(window: TumblingWindow, space: number): TumblingGroup {
    let group = window.groups.find((g) => g.space === space)
    if (!group) {
      group = { space, epochCell: this.plans[space].cells++, feeds: [], baselines: [] }
      window.groups.push(group)
    }
    return group
  }

  /** Gives each window the key spaces over which it is the longest: keys end with their events there. */
  setReleases(clocks: readonly ClockPlan[]): void {
    this.plans.forEach((space, i) => {
      for (const clock of clocks) {
        for (const window of clock.windows) {
          if (window.windowMs + clock.settleMs === space.longestMs) {
            window.releases.push(i)
            return
          }
        }
      }
    })
  }

  make(memory: Memory, strings: StringTable): KeySpace[] {
    return this.plans.map((s) => new KeySpace(memory, s.codes.length, s.cells, strings))
  }
}
