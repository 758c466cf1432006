import type { Memory } from './memory.ts'
import { Slab } from './slab.ts'

const FIRST = 0
const LAST = 1
const VALUE = 2
const NEXT = 3
const CELLS = 4

/** A key's cells: its oldest and its newest run (+ 1, 0 = none). */
export const RUN_CELLS = 2
const OLDEST = 0
const NEWEST = 1

/**
 * Numbers of each key at points in time that follow each other; as long as the number stays the same it stands once.
 *
 * Shape   per key a list, oldest first, of runs { first point, last point, value }
 * Cost    O(1), but for a look at all
 * Memory  32 bytes a run
 */
export class Runs {
  readonly #runs: Slab

  constructor(memory: Memory) {
    this.#runs = new Slab(memory, CELLS)
  }

  /** Adds points younger than all before. `followsMs`: the point just before the first of them. */
  push(cells: Float64Array, at: number, firstMs: number, lastMs: number, value: number, followsMs: number): void {
    const newest = cells[at + NEWEST]
    if (newest !== 0 && this.#get(newest, LAST) === followsMs && this.#get(newest, VALUE) === value) {
      this.#set(newest, LAST, lastMs)
      return
    }
    const run = this.#runs.take() + 1
    this.#set(run, FIRST, firstMs)
    this.#set(run, LAST, lastMs)
    this.#set(run, VALUE, value)
    if (newest === 0) cells[at + OLDEST] = run
    else this.#set(newest, NEXT, run)
    cells[at + NEWEST] = run
  }

  /** Lets go of runs that end at `throughMs` or before. */
  trim(cells: Float64Array, at: number, throughMs: number): void {
    let run = cells[at + OLDEST]
    if (run === 0 || this.#get(run, LAST) > throughMs) return
    while (run !== 0 && this.#get(run, LAST) <= throughMs) {
      const next = this.#get(run, NEXT)
      this.#runs.free(run - 1)
      run = next
    }
    cells[at + OLDEST] = run
    if (run === 0) cells[at + NEWEST] = 0
  }

  /** The key's runs from the oldest on: `run = oldest(…)`, then `next(run)` until 0. */
  oldest(cells: Float64Array, at: number): number {
    return cells[at + OLDEST]
  }
  next(run: number): number {
    return this.#get(run, NEXT)
  }
  firstMs(run: number): number {
    return this.#get(run, FIRST)
  }
  lastMs(run: number): number {
    return this.#get(run, LAST)
  }
  value(run: number): number {
    return this.#get(run, VALUE)
  }

  #get(run: number, cell: number): number {
    return this.#runs.read(run - 1)[this.#runs.baseOf(run - 1) + cell]
  }
  #set(run: number, cell: number, value: number): void {
    this.#runs.write(run - 1)[this.#runs.baseOf(run - 1) + cell] = value
  }
}
