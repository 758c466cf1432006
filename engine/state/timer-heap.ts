import { type Memory, Pages } from './memory.ts'

const PAGE_BITS = 10
const PAGE = 1 << PAGE_BITS
const STRIDE = 6
/** Cells of one timer. */
const DUE = 0
const TURN = 1
const ORDER = 2
const TAG = 3
const SLOT = 4
const VALUE = 5

/** A timer taken out or listed. `tag`, `slot` and `value` mean what they mean to whoever set it. */
export interface Timer {
  dueMs: number
  turn: number
  order: number
  tag: number
  slot: number
  value: number
}

/**
 * Timers in the order in which they are due: by moment, then by turn, then as they were set.
 *
 * Shape   a binary heap of 6 doubles a timer, in pages of 1,024 timers
 * Cost    push, pop: O(log n); nothing is allocated but pages
 */
export class TimerHeap {
  /** The timer that `pop` took out last. */
  readonly taken: Timer = { dueMs: 0, turn: 0, order: 0, tag: 0, slot: 0, value: 0 }
  readonly #pages: Pages<Float64Array>
  readonly #moving = new Float64Array(STRIDE)
  #size = 0
  #order = 0

  constructor(memory: Memory) {
    this.#pages = new Pages(memory, Float64Array)
    memory.root(
      () => ({ size: this.#size, order: this.#order }),
      ({ size, order }: { size: number; order: number }) => {
        this.#size = size
        this.#order = order
      },
    )
  }

  get size(): number {
    return this.#size
  }

  /** When the next timer is due, or Infinity. */
  nextDueMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#pages.list[0][DUE]
  }

  push(dueMs: number, turn: number, tag: number, slot: number, value: number): void {
    if (this.#size >> PAGE_BITS === this.#pages.list.length) this.#pages.grow(PAGE * STRIDE)
    const moving = this.#moving
    moving[DUE] = dueMs
    moving[TURN] = turn
    moving[ORDER] = this.#order++
    moving[TAG] = tag
    moving[SLOT] = slot
    moving[VALUE] = value
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(moving, 0, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#put(at)
  }

  /** Takes the next timer out, into `taken`. Only while there is one. */
  pop(): Timer {
    const { taken } = this
    readInto(taken, this.#pages.list[0], 0)
    const last = --this.#size
    if (last === 0) return taken
    const page = this.#pages.list[last >> PAGE_BITS]
    const base = (last & (PAGE - 1)) * STRIDE
    for (let i = 0; i < STRIDE; i++) this.#moving[i] = page[base + i]
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= last) break
      if (child + 1 < last) {
        const right = this.#pages.list[(child + 1) >> PAGE_BITS]
        if (this.#isBefore(right, ((child + 1) & (PAGE - 1)) * STRIDE, child)) child++
      }
      if (this.#isBefore(this.#moving, 0, child)) break
      this.#move(child, at)
      at = child
    }
    this.#put(at)
    return taken
  }

  /** Copies of all timers, as they were set. */
  all(): Timer[] {
    return Array.from({ length: this.#size }, (_, at) => {
      const timer = { ...this.taken }
      readInto(timer, this.#pages.list[at >> PAGE_BITS], (at & (PAGE - 1)) * STRIDE)
      return timer
    }).sort((a, b) => a.order - b.order)
  }

  #isBefore(page: Float64Array, base: number, other: number): boolean {
    const theirs = this.#pages.list[other >> PAGE_BITS]
    const their = (other & (PAGE - 1)) * STRIDE
    const due = page[base + DUE] - theirs[their + DUE]
    if (due !== 0) return due < 0
    const turn = page[base + TURN] - theirs[their + TURN]
    if (turn !== 0) return turn < 0
    return page[base + ORDER] < theirs[their + ORDER]
  }

  #move(from: number, to: number): void {
    const page = this.#pages.list[from >> PAGE_BITS]
    const base = (from & (PAGE - 1)) * STRIDE
    const target = this.#pages.write(to >> PAGE_BITS)
    const start = (to & (PAGE - 1)) * STRIDE
    for (let i = 0; i < STRIDE; i++) target[start + i] = page[base + i]
  }

  #put(at: number): void {
    this.#pages.write(at >> PAGE_BITS).set(this.#moving, (at & (PAGE - 1)) * STRIDE)
  }
}

function readInto(timer: Timer, page: Float64Array, base: number): void {
  timer.dueMs = page[base + DUE]
  timer.turn = page[base + TURN]
  timer.order = page[base + ORDER]
  timer.tag = page[base + TAG]
  timer.slot = page[base + SLOT]
  timer.value = page[base + VALUE]
}
