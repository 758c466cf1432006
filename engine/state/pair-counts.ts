import { TupleMap } from '../kit/tuple-map.ts'

const CHUNK_BITS = 12
const CHUNK = 1 << CHUNK_BITS

/** A number for each (key slot, value code) that has one; pairs at zero are forgotten. About 32 bytes a pair. */
export class PairCounts {
  readonly #pairs = new TupleMap(2)
  readonly #counts: Float64Array[] = []

  /** Adds `delta` and returns the count after it; before it, it was `delta` less. */
  add(slot: number, value: number, delta: number): number {
    const pairs = this.#pairs
    pairs.probe[0] = slot
    pairs.probe[1] = value
    const id = pairs.findOrAdd()
    const chunk = id >> CHUNK_BITS
    if (chunk === this.#counts.length) this.#counts.push(new Float64Array(CHUNK))
    const counts = this.#counts[chunk]
    const after = counts[id & (CHUNK - 1)] + delta
    counts[id & (CHUNK - 1)] = after
    if (after === 0) pairs.remove(id)
    return after
  }

  get size(): number {
    return this.#pairs.size
  }
}
