import type { Rows } from '../state/rows.ts'
import type { Clock } from './clock.ts'
import type { Meta } from './meta.ts'
import type { LoadedState } from './snapshot-pieces.ts'
import type { Changelog, StatePart } from './state-part.ts'

type SavedNumbers = Pick<Meta, 'rows' | 'entries'>

/** Numbers by which alerts count events, across restarts: of all ever held, and of all that entered a settled clock. */
export class EntryNumbers implements StatePart<SavedNumbers> {
  readonly name = 'entry numbers'
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
  meta(): SavedNumbers {
    const settled = this.#clocks.filter((clock) => clock.entry !== null)
    return {
      rows: this.#rows.endRow + this.rowShift,
      entries: Object.fromEntries(
        settled.map((clock) => [clock.plan.settleMs, clock.entries + this.#shifts[this.#clocks.indexOf(clock)]]),
      ),
    }
  }

  load({ meta }: LoadedState): void {
    this.#goOn(meta)
  }

  endReplay({ meta }: Changelog): void {
    if (meta) this.#goOn(meta)
  }

  handOver(): SavedNumbers {
    return this.meta()
  }

  /** By the settle of the clocks. */
  migrate(handed: SavedNumbers): void {
    this.#goOn(handed)
  }

  /** Goes on counting from what `meta` gave when the same events were held. */
  #goOn({ rows, entries }: SavedNumbers): void {
    this.rowShift = rows - this.#rows.endRow
    this.#clocks.forEach((clock, i) => {
      this.#shifts[i] = clock.entry ? (entries[clock.plan.settleMs] ?? clock.entries) - clock.entries : this.rowShift
    })
  }
}
