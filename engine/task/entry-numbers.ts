import type { Rows } from '../state/rows.ts'
import type { Clock } from './clock.ts'

/** Numbers by which alerts count events, across restarts: of all ever held, and of all that entered a settled clock. */
export class EntryNumbers {
  /** The row that was read last. */
  newestRow = -1
  /** What a row's number lacks to the number of events ever held: rows begin at 0 anew when the past is read again. */
  rowShift = 0
  readonly #rows: Rows
  readonly #clocks: readonly Clock[]
  /** Per clock: what its entry numbers lack, in the same way. */
  readonly #shifts: number[]

  constructor(rows: Rows, clocks: readonly Clock[]) {
    this.#rows = rows
    this.#clocks = clocks
    this.#shifts = clocks.map(() => 0)
  }

  shift(clock: number): number {
    return this.#shifts[clock]
  }

  newest(clock: number): number {
    return (this.#clocks[clock].entry ? this.#clocks[clock].entries - 1 : this.newestRow) + this.#shifts[clock]
  }

  /** Events ever held, and ever entered on each settled clock. */
  save(): { rows: number; entries: Record<string, number> } {
    const settled = this.#clocks.filter((clock) => clock.entry !== null)
    return {
      rows: this.#rows.endRow + this.rowShift,
      entries: Object.fromEntries(
        settled.map((clock) => [clock.plan.settleMs, clock.entries + this.#shifts[this.#clocks.indexOf(clock)]]),
      ),
    }
  }

  /** Goes on counting from what `save` gave when the same events were held. */
  load(rows: number, entries: Readonly<Record<string, number>>): void {
    this.rowShift = rows - this.#rows.endRow
    this.#clocks.forEach((clock, i) => {
      this.#shifts[i] = clock.entry ? (entries[clock.plan.settleMs] ?? clock.entries) - clock.entries : this.rowShift
    })
  }
}
