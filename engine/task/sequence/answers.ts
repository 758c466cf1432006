import type { Memory } from '../../state/memory.ts'
import { Slab } from '../../state/slab.ts'

const ANSWERS_MAX = 16
/** Cells of a record: link to the next older one of the key + 1 (0 = none); first and last moment. */
const NEXT = 0
const START = 1
const END = 2
const CELLS = 3

/**
 * When a step that is asked for each time would have been answered: an awaited one at `b` answers every moment of
 * `[b - within, b]`. What overlaps is one span.
 *
 * Shape   spans in a slab, those of one key and violation linked, newest first; -1 = none
 * Limit   16 a key and violation; where there would be one more, the two oldest become one, with the gap between them
 */
export class Answers {
  readonly #slab: Slab

  constructor(memory: Memory) {
    this.#slab = new Slab(memory, CELLS)
  }

  /**
   * Adds `[startMs, endMs]` to the spans at `head`, and drops those that end at or before `goneMs`. Gives the new head;
   * `joined` is called where two spans had to become one.
   */
  add(
    head: number,
    { startMs, endMs, goneMs }: { startMs: number; endMs: number; goneMs: number },
    joined: () => void,
  ) {
    let newer = -1
    let at = head
    let count = 1
    while (at >= 0 && this.#cell(at, START) > endMs) {
      newer = at
      at = this.#next(at)
      count++
    }
    if (count > ANSWERS_MAX) {
      this.#write(newer, START, startMs)
      joined()
      return head
    }
    const span = this.#slab.take()
    let [first, last] = [startMs, endMs]
    while (at >= 0 && this.#endMs(at) >= startMs) {
      first = Math.min(first, this.#cell(at, START))
      last = Math.max(last, this.#endMs(at))
      at = this.#removed(at)
    }
    this.#write(span, START, first)
    this.#write(span, END, last)
    this.#write(span, NEXT, at + 1)
    if (newer >= 0) this.#write(newer, NEXT, span + 1)
    let before = span
    while (at >= 0 && this.#endMs(at) > goneMs && count < ANSWERS_MAX) {
      before = at
      at = this.#next(at)
      count++
    }
    if (at >= 0) {
      if (this.#endMs(at) > goneMs) {
        this.#write(before, START, this.#cell(at, START))
        joined()
      }
      this.#write(before, NEXT, 0)
      this.free(at)
    }
    return newer >= 0 ? head : span
  }

  /** True when an awaited step came in time for `timeMs`. */
  covers(head: number, timeMs: number): boolean {
    for (let at = head; at >= 0 && timeMs <= this.#endMs(at); at = this.#next(at)) {
      if (timeMs >= this.#cell(at, START)) return true
    }
    return false
  }

  /** Frees the span and all older ones. */
  free(head: number): void {
    for (let at = head; at >= 0; ) at = this.#removed(at)
  }

  /** Spans as `all` gave them, for a key that has none; gives their head. */
  load(spans: readonly (readonly [number, number])[]): number {
    let head = -1
    for (const [startMs, endMs] of spans) {
      const span = this.#slab.take()
      this.#write(span, START, startMs)
      this.#write(span, END, endMs)
      this.#write(span, NEXT, head + 1)
      head = span
    }
    return head
  }

  /** All spans as [first, last] moment, oldest first. */
  all(head: number): [number, number][] {
    const spans: [number, number][] = []
    for (let at = head; at >= 0; at = this.#next(at)) spans.unshift([this.#cell(at, START), this.#endMs(at)])
    return spans
  }

  /** Frees the span; gives the next older one. */
  #removed(span: number): number {
    const next = this.#next(span)
    this.#slab.free(span)
    return next
  }

  /** The next older one, -1 = none. */
  #next(span: number): number {
    return this.#cell(span, NEXT) - 1
  }

  #endMs(span: number): number {
    return this.#cell(span, END)
  }

  #cell(span: number, cell: number): number {
    return this.#slab.read(span)[this.#slab.baseOf(span) + cell]
  }

  #write(span: number, cell: number, value: number): void {
    this.#slab.write(span)[this.#slab.baseOf(span) + cell] = value
  }
}
