import { type Memory, Pages } from '../../state/memory.ts'

const PAGE_CELLS_MAX = 4096
/** Cells of `words`: flags, the violations that stood, the sources of the steps, the partial matches, the answers. */
const FLAGS = 0
const STOOD = 1
const REMEMBERED = 1
const KEPT = 2
const ASKED = 4

/**
 * What a sequence knows of each key, by key slot, side by side in pages of at most 32 KiB.
 *
 * Shape   times: the newest occurrence; where steps are asked for each time, the newest of those; then (time, source
 *         offset) of each step's first one. words: see above
 * Life    a key is `kept` from its first occurrence or partial match until a sweep finds nothing left of it
 */
export class KeyStates {
  /** Keys that are kept. */
  count = 0
  readonly #sources: number
  readonly #heads: number
  readonly #answers: number
  readonly #firsts: number
  readonly #timesStride: number
  readonly #wordsStride: number
  readonly #pageBits: number
  readonly #pageMask: number
  readonly #times: Pages<Float64Array>
  readonly #words: Pages<Int32Array>

  /** `steps`: those whose first occurrences matter; `each`: violations that ask for a step each time. */
  constructor(
    memory: Memory,
    { steps, violations, matches, each }: { steps: number; violations: number; matches: number; each: number },
  ) {
    this.#firsts = each > 0 ? 2 : 1
    this.#sources = STOOD + Math.ceil(violations / 32)
    this.#heads = this.#sources + steps
    this.#answers = this.#heads + matches
    this.#timesStride = this.#firsts + 2 * steps
    this.#wordsStride = this.#answers + each
    this.#pageBits = 31 - Math.clz32(Math.max(1, PAGE_CELLS_MAX / Math.max(this.#timesStride, this.#wordsStride)))
    this.#pageMask = (1 << this.#pageBits) - 1
    this.#times = new Pages(memory, Float64Array)
    this.#words = new Pages(memory, Int32Array)
    memory.root(
      () => this.count,
      (count: number) => {
        this.count = count
      },
    )
  }

  /** All slots there may be something about are below it. */
  get slotsEnd(): number {
    return this.#words.list.length << this.#pageBits
  }

  isKept(slot: number): boolean {
    return (this.#word(slot, FLAGS) & KEPT) !== 0
  }

  keep(slot: number): void {
    this.#writeWord(slot, FLAGS, this.#word(slot, FLAGS) | KEPT)
    this.count++
  }

  /** Nothing is left of the key. */
  drop(slot: number): void {
    this.#words.write(slot >> this.#pageBits).fill(0, this.#wordsAt(slot, 0), this.#wordsAt(slot, this.#wordsStride))
    this.count--
  }

  isRemembered(slot: number): boolean {
    return (this.#word(slot, FLAGS) & REMEMBERED) !== 0
  }

  /** Forgets all occurrences and what stood. Partial matches stay. */
  forget(slot: number): void {
    const words = this.#words.write(slot >> this.#pageBits)
    words[this.#wordsAt(slot, FLAGS)] &= ~REMEMBERED
    words.fill(0, this.#wordsAt(slot, STOOD), this.#wordsAt(slot, this.#heads))
  }

  /** Time of the newest occurrence that counted. Only of a key that is remembered. */
  newestMs(slot: number): number {
    return this.#times.list[slot >> this.#pageBits][this.#timesAt(slot)]
  }

  setNewest(slot: number, timeMs: number): void {
    this.#times.write(slot >> this.#pageBits)[this.#timesAt(slot)] = timeMs
  }

  /** True while something is known for the sake of violations that ask for a step each time. */
  isAsked(slot: number): boolean {
    return (this.#word(slot, FLAGS) & ASKED) !== 0
  }

  /** Time of the newest occurrence for their sake. Only while `isAsked`. */
  askedMs(slot: number): number {
    return this.#times.list[slot >> this.#pageBits][this.#timesAt(slot) + 1]
  }

  ask(slot: number, timeMs: number): void {
    if (this.isAsked(slot) && this.askedMs(slot) >= timeMs) return
    this.#writeWord(slot, FLAGS, this.#word(slot, FLAGS) | ASKED)
    this.#times.write(slot >> this.#pageBits)[this.#timesAt(slot) + 1] = timeMs
  }

  /** The heads of its answers must be -1. */
  endAsking(slot: number): void {
    this.#writeWord(slot, FLAGS, this.#word(slot, FLAGS) & ~ASKED)
  }

  isSeen(slot: number, step: number): boolean {
    return this.sourceOf(slot, step) >= 0
  }

  firstMs(slot: number, step: number): number {
    return this.#times.list[slot >> this.#pageBits][this.#timesAt(slot) + this.#firsts + 2 * step]
  }

  offsetOf(slot: number, step: number): number {
    return this.#times.list[slot >> this.#pageBits][this.#timesAt(slot) + this.#firsts + 1 + 2 * step]
  }

  /** Index of the source of the step's first occurrence, -1 = not seen. */
  sourceOf(slot: number, step: number): number {
    return this.#word(slot, this.#sources + step) - 1
  }

  /** Sets the first occurrence of a step. */
  occur(slot: number, step: number, timeMs: number, source: number, offset: number): void {
    const isNew = !this.isRemembered(slot)
    this.#writeWord(slot, this.#sources + step, source + 1)
    this.#writeWord(slot, FLAGS, this.#word(slot, FLAGS) | REMEMBERED)
    const times = this.#times.write(slot >> this.#pageBits)
    const at = this.#timesAt(slot)
    if (isNew || timeMs > times[at]) times[at] = timeMs
    times[at + this.#firsts + 2 * step] = timeMs
    times[at + this.#firsts + 1 + 2 * step] = offset
  }

  hasStood(slot: number, violation: number): boolean {
    return (this.#word(slot, STOOD + (violation >> 5)) & (1 << (violation & 31))) !== 0
  }

  setStood(slot: number, violation: number): void {
    const cell = STOOD + (violation >> 5)
    this.#writeWord(slot, cell, this.#word(slot, cell) | (1 << (violation & 31)))
  }

  /** The key's oldest partial match of a name, -1 = none. */
  head(slot: number, match: number): number {
    return this.#word(slot, this.#heads + match) - 1
  }

  setHead(slot: number, match: number, record: number): void {
    this.#writeWord(slot, this.#heads + match, record + 1)
  }

  /** The key's newest answers to a violation, by its number among those that ask each time; -1 = none. */
  answers(slot: number, each: number): number {
    return this.#word(slot, this.#answers + each) - 1
  }

  setAnswers(slot: number, each: number, span: number): void {
    if (this.answers(slot, each) !== span) this.#writeWord(slot, this.#answers + each, span + 1)
  }

  #word(slot: number, cell: number): number {
    const page = this.#words.list[slot >> this.#pageBits]
    return page === undefined ? 0 : page[this.#wordsAt(slot, cell)]
  }

  #writeWord(slot: number, cell: number, value: number): void {
    while (slot >> this.#pageBits >= this.#words.list.length) {
      this.#words.grow(this.#wordsStride << this.#pageBits)
      this.#times.grow(this.#timesStride << this.#pageBits)
    }
    this.#words.write(slot >> this.#pageBits)[this.#wordsAt(slot, cell)] = value
  }

  #wordsAt(slot: number, cell: number): number {
    return (slot & this.#pageMask) * this.#wordsStride + cell
  }

  #timesAt(slot: number): number {
    return (slot & this.#pageMask) * this.#timesStride
  }
}
