import type { Calendar } from '../kit/calendar.ts'
import type { Value } from '../model/expression.ts'
import type { KeySpace } from '../state/key-space.ts'
import type { Memory } from '../state/memory.ts'
import { RUN_CELLS, Runs } from '../state/runs.ts'
import type { Context } from './context.ts'
import type { TumblingWindow } from './tumbling.ts'

/** Cells of a key: its runs of points come first. */
const STARTED = RUN_CELLS
/** First step end that is not taken down yet. */
const NEXT_MS = RUN_CELLS + 1
/** When the last of the rule's events leaves the measure's windows. */
const UNTIL_MS = RUN_CELLS + 2
/** The queue of keys: the slot behind it + 1, and when it is looked at. */
const BEHIND = RUN_CELLS + 3
const DUE_MS = RUN_CELLS + 4
export const BASELINE_CELLS = RUN_CELLS + 5

/** A window of the measure: sliding, or tumbling and at most `windowMs` long. */
export interface MeasuredWindow {
  readonly windowMs: number
  readonly tumbling: TumblingWindow | null
}

/** One key's points, as a rule set hands them on to the next. */
export interface SavedPoints {
  readonly key: readonly (string | number)[]
  readonly nextMs: number
  readonly untilMs: number
  /** First point, last point, value. */
  readonly runs: readonly (readonly [number, number, number])[]
}

/**
 * What a measure used to be: its value at each step end, for each key, over a stretch of time before its window. Step
 * ends are taken down late, but before the key's events change what the measure says: docs/semantics.md, "Baseline".
 *
 * Life    a key that has begun holds its slot until it may be forgotten. Keys stand in a queue in the order of that
 *         (`over` is the same for all) and are looked at when their turn comes
 * Cost    arrival, departure: O(1), and one reading of the measure when a step end has passed (in tumbling windows: for
 *         each); reading it: one look at each point
 */
export class Baseline {
  readonly cell: number
  readonly overMs: number
  /** How far back points may reach from now on. */
  readonly spanMs: number
  space!: KeySpace
  readonly #context: Context
  readonly #read: () => Value
  readonly #steps: Calendar
  readonly #windows: readonly MeasuredWindow[]
  readonly #tumbling: readonly TumblingWindow[]
  readonly #runs: Runs
  /** Ends of the queue, as slot + 1. */
  #first = 0
  #last = 0
  /** The points that were looked at last, and when. */
  #slot = -1
  #atMs = Number.NaN
  #points = 0
  #mean = 0
  #stddev = 0

  /**
   * `read` gives the measure of the key in the context; `windows` are the measure's own, `tumbling` all tumbling ones
   * that it looks at.
   */
  constructor(init: {
    memory: Memory
    context: Context
    cell: number
    read: () => Value
    steps: Calendar
    overMs: number
    windows: readonly MeasuredWindow[]
    tumbling: readonly TumblingWindow[]
  }) {
    this.cell = init.cell
    this.overMs = init.overMs
    this.spanMs = init.overMs + Math.max(...init.windows.map((w) => w.windowMs))
    this.#context = init.context
    this.#read = init.read
    this.#steps = init.steps
    this.#windows = init.windows
    this.#tumbling = init.tumbling
    this.#runs = new Runs(init.memory)
    init.memory.root(
      (): [number, number] => [this.#first, this.#last],
      ([first, last]: [number, number]) => {
        this.#first = first
        this.#last = last
        this.#slot = -1
      },
    )
  }

  /** An event of the rule is about to enter; the key begins if one of the measure's windows takes it. */
  arrive(slot: number, timeMs: number, nowMs: number): void {
    const untilMs = this.#leavesMs(timeMs, nowMs)
    if (untilMs === Number.NEGATIVE_INFINITY) {
      this.catchUp(slot, nowMs)
      return
    }
    const cells = this.space.writeCells(slot)
    const at = this.space.baseOf(slot) + this.cell
    this.#slot = -1
    if (cells[at + STARTED] === 1 && nowMs < cells[at + UNTIL_MS] + this.overMs) {
      this.catchUp(slot, nowMs)
      cells[at + UNTIL_MS] = Math.max(cells[at + UNTIL_MS], untilMs)
      return
    }
    if (cells[at + STARTED] === 0) {
      this.space.retain(slot)
      this.#queue(slot, nowMs)
    }
    this.#runs.trim(cells, at, Number.POSITIVE_INFINITY)
    cells[at + STARTED] = 1
    cells[at + NEXT_MS] = this.#steps.endOf(nowMs)
    cells[at + UNTIL_MS] = untilMs
  }

  /** Takes down the step ends through `throughMs`, with the measure as it stands. */
  catchUp(slot: number, throughMs: number): void {
    const cells = this.space.writeCells(slot)
    const at = this.space.baseOf(slot) + this.cell
    if (cells[at + STARTED] === 0 || cells[at + NEXT_MS] > throughMs) return
    if (throughMs >= cells[at + UNTIL_MS] + this.overMs) return
    const goneMs = this.#startMs(throughMs) - this.overMs
    this.#runs.trim(cells, at, goneMs)
    this.#slot = -1
    let nextMs = cells[at + NEXT_MS]
    let followsMs = this.#steps.startOf(nextMs - 1)
    if (nextMs <= goneMs) {
      nextMs = this.#steps.endOf(goneMs)
      followsMs = Number.NaN
    }
    this.#context.setKey(this.space, slot)
    if (this.#tumbling.length > 0) this.#takeEach(cells, at, nextMs, throughMs, followsMs)
    else if (nextMs <= throughMs) this.#take(cells, at, nextMs, this.#steps.startOf(throughMs), followsMs)
    cells[at + NEXT_MS] = this.#steps.endOf(throughMs)
  }

  /** Lets go of keys whose time is over; `idle` hears of slots that nothing refers to any more. */
  forget(nowMs: number, idle: (slot: number) => void): void {
    while (this.#first !== 0) {
      const slot = this.#first - 1
      const cells = this.space.writeCells(slot)
      const at = this.space.baseOf(slot) + this.cell
      if (cells[at + DUE_MS] > nowMs) return
      this.#first = cells[at + BEHIND]
      if (this.#first === 0) this.#last = 0
      if (nowMs < cells[at + UNTIL_MS] + this.overMs) this.#queue(slot, nowMs)
      else this.#drop(slot, idle)
    }
  }

  /** Numbers of the key in the context; they stay the same until the next look. */
  points(nowMs: number): number {
    this.#look(nowMs)
    return this.#points
  }
  mean(nowMs: number): number {
    this.#look(nowMs)
    return this.#mean
  }
  stddev(nowMs: number): number {
    this.#look(nowMs)
    return this.#stddev
  }

  /** All keys with their points through `nowMs`. `read`: the value behind a code. */
  save(nowMs: number, read: (code: number) => string | number): SavedPoints[] {
    const saved: SavedPoints[] = []
    for (let behind = this.#first; behind !== 0; ) {
      const slot = behind - 1
      this.catchUp(slot, nowMs)
      const cells = this.space.writeCells(slot)
      const at = this.space.baseOf(slot) + this.cell
      const runs: [number, number, number][] = []
      for (let run = this.#runs.oldest(cells, at); run !== 0; run = this.#runs.next(run))
        runs.push([this.#runs.firstMs(run), this.#runs.lastMs(run), this.#runs.value(run)])
      const key = Array.from({ length: this.space.keys.arity }, (_, i) => read(this.space.keys.part(slot, i)))
      saved.push({ key, nextMs: cells[at + NEXT_MS], untilMs: cells[at + UNTIL_MS], runs })
      behind = cells[at + BEHIND]
    }
    return saved
  }

  /** Takes up what `save` gave, in place of all that is there. */
  load(
    saved: readonly SavedPoints[],
    nowMs: number,
    slotOf: (key: SavedPoints['key']) => number,
    idle: (slot: number) => void,
  ): void {
    while (this.#first !== 0) {
      const slot = this.#first - 1
      this.#first = this.space.cellsOf(slot)[this.space.baseOf(slot) + this.cell + BEHIND]
      this.#drop(slot, idle)
    }
    this.#last = 0
    for (const { key, nextMs, untilMs, runs } of saved) {
      const slot = slotOf(key)
      const cells = this.space.writeCells(slot)
      const at = this.space.baseOf(slot) + this.cell
      this.space.retain(slot)
      this.#queue(slot, nowMs)
      cells[at + STARTED] = 1
      cells[at + NEXT_MS] = nextMs
      cells[at + UNTIL_MS] = untilMs
      for (const [firstMs, lastMs, value] of runs)
        this.#runs.push(cells, at, firstMs, lastMs, value, this.#steps.startOf(firstMs - 1))
    }
  }

  /** When an event that enters now is out of all windows again; -Infinity when none takes it. */
  #leavesMs(timeMs: number, nowMs: number): number {
    let leavesMs = Number.NEGATIVE_INFINITY
    for (let i = 0; i < this.#windows.length; i++) {
      const { windowMs, tumbling } = this.#windows[i]
      if (tumbling !== null) {
        if (timeMs >= tumbling.startMs && tumbling.endMs > leavesMs) leavesMs = tumbling.endMs
      } else if (timeMs > nowMs - windowMs && timeMs + windowMs > leavesMs) leavesMs = timeMs + windowMs
    }
    return leavesMs
  }

  /** Start of the measure's window, of several the earliest. */
  #startMs(nowMs: number): number {
    let startMs = nowMs
    for (let i = 0; i < this.#windows.length; i++) {
      const { windowMs, tumbling } = this.#windows[i]
      const ownMs = tumbling === null ? nowMs - windowMs : tumbling.calendar.startOf(nowMs)
      if (ownMs < startMs) startMs = ownMs
    }
    return startMs
  }

  /** Step ends from `fromMs` through `throughMs`, each with what its own tumbling windows say. */
  #takeEach(cells: Float64Array, at: number, fromMs: number, throughMs: number, followsMs: number): void {
    const startMs = this.#startMs(throughMs)
    const unusedMs = this.#laterStartMs(throughMs, startMs) - this.overMs
    let beforeMs = followsMs
    for (let ms = fromMs; ms <= throughMs; ) {
      if (ms > startMs && ms <= unusedMs) {
        ms = this.#steps.endOf(unusedMs)
        beforeMs = Number.NaN
        continue
      }
      this.#take(cells, at, ms, ms, beforeMs)
      beforeMs = ms
      ms = this.#steps.endOf(ms)
    }
  }

  /** Where the measure's window will start next, after `startMs`; points in between will not be asked for before. */
  #laterStartMs(nowMs: number, startMs: number): number {
    let changesMs = Number.POSITIVE_INFINITY
    for (const { tumbling } of this.#windows) {
      if (tumbling === null) return startMs
      changesMs = Math.min(changesMs, tumbling.calendar.endOf(nowMs))
    }
    return this.#startMs(changesMs)
  }

  #take(cells: Float64Array, at: number, firstMs: number, lastMs: number, followsMs: number): void {
    for (let i = 0; i < this.#tumbling.length; i++) this.#tumbling[i].readAt(firstMs - 1)
    const value = this.#read()
    for (let i = 0; i < this.#tumbling.length; i++) this.#tumbling[i].readNow()
    if (typeof value === 'number') this.#runs.push(cells, at, firstMs, lastMs, value, followsMs)
  }

  #queue(slot: number, nowMs: number): void {
    const cells = this.space.writeCells(slot)
    const at = this.space.baseOf(slot) + this.cell
    cells[at + BEHIND] = 0
    cells[at + DUE_MS] = nowMs + this.spanMs
    if (this.#last === 0) this.#first = slot + 1
    else {
      const last = this.#last - 1
      this.space.writeCells(last)[this.space.baseOf(last) + this.cell + BEHIND] = slot + 1
    }
    this.#last = slot + 1
  }

  #drop(slot: number, idle: (slot: number) => void): void {
    const cells = this.space.writeCells(slot)
    const at = this.space.baseOf(slot) + this.cell
    this.#slot = -1
    this.#runs.trim(cells, at, Number.POSITIVE_INFINITY)
    cells.fill(0, at, at + BASELINE_CELLS)
    if (this.space.release(slot)) idle(slot)
  }

  #look(nowMs: number): void {
    const { slot } = this.#context
    if (slot === this.#slot && nowMs === this.#atMs) return
    this.catchUp(slot, nowMs)
    this.#slot = slot
    this.#atMs = nowMs
    this.#points = 0
    this.#mean = 0
    this.#stddev = 0
    const cells = this.space.writeCells(slot)
    const at = this.space.baseOf(slot) + this.cell
    if (cells[at + STARTED] === 0 || nowMs >= cells[at + UNTIL_MS] + this.overMs) return
    const toMs = this.#startMs(nowMs)
    const afterMs = toMs - this.overMs
    const near = this.#firstAfter(cells, at, afterMs)
    const sum = this.#sum(cells, at, afterMs, toMs, near, false)
    if (this.#points === 0) return
    this.#mean = near + sum / this.#points
    const squares = this.#sum(cells, at, afterMs, toMs, this.#mean, true)
    this.#stddev = Math.sqrt(Math.max(0, squares / this.#points))
  }

  /** The first point's value: taken off the others, so that the mean of equal ones is that value. */
  #firstAfter(cells: Float64Array, at: number, afterMs: number): number {
    const runs = this.#runs
    let run = runs.oldest(cells, at)
    while (run !== 0 && runs.lastMs(run) <= afterMs) run = runs.next(run)
    return run === 0 ? 0 : runs.value(run)
  }

  /** Sum over the points in (afterMs, toMs], in order, of what the value is off `from`, or of that squared. */
  #sum(cells: Float64Array, at: number, afterMs: number, toMs: number, from: number, squared: boolean): number {
    const runs = this.#runs
    let sum = 0
    let points = 0
    for (let run = runs.oldest(cells, at); run !== 0; run = runs.next(run)) {
      const lastMs = Math.min(toMs, runs.lastMs(run))
      const off = runs.value(run) - from
      const term = squared ? off * off : off
      let ms = runs.firstMs(run)
      if (ms <= afterMs) ms = this.#steps.endOf(afterMs)
      for (; ms <= lastMs; ms = this.#steps.endOf(ms)) {
        sum += term
        points++
      }
    }
    this.#points = points
    return sum
  }
}
