import assert from 'node:assert/strict'
import { Chunk } from './chunk.ts'
import { packSome } from './packing.ts'
import type { Segments } from './segments.ts'

interface Form<Part> {
  pack(part: Part): Uint8Array
  unpack(bytes: Uint8Array, room?: () => Part): Part
}

export const BYTES: Form<Uint8Array> = { pack: (bytes) => bytes, unpack: (bytes) => bytes }

export const CHUNKS: Form<Chunk> = {
  pack: (chunk) => packSome(chunk.packing(), Number.POSITIVE_INFINITY) as Uint8Array,
  unpack: (bytes, room) => {
    const chunk = room!()
    return Chunk.unpack(chunk.parts.shape, bytes, chunk)
  },
}

/**
 * Segments in memory, with all that was written. The newest `lag` parts written are not packed yet: their memory is in
 * use, whether they are dropped or not, and must not change.
 */
export class MemorySegments<Part> implements Segments<Part> {
  readonly inMemoryMax: number
  readonly held = new Map<number, Uint8Array>()
  /** Numbers ever asked for ahead. */
  readonly asked = new Set<number>()
  reads = 0
  /** Reads that nobody had announced. */
  sudden = 0
  writtenBytes = 0
  readonly #form: Form<Part>
  readonly #lag: number
  readonly #ahead = new Set<number>()
  readonly #unwritten = new Map<number, Part | Uint8Array>()
  readonly #inUse: { readonly number: number; readonly part: Part | Uint8Array; readonly packed: Uint8Array }[] = []

  constructor(form: Form<Part>, inMemoryMax: number, lag = 0) {
    this.#form = form
    this.inMemoryMax = inMemoryMax
    this.#lag = lag
  }

  get aheadParts(): number {
    return this.#ahead.size
  }

  get texts(): [number, string][] {
    this.#finish(0)
    return Array.from(this.held, ([number, bytes]) => [number, Buffer.from(bytes).toString('latin1')])
  }

  write(number: number, part: Part | Uint8Array): void {
    this.#unwritten.set(number, part)
    this.#inUse.push({ number, part, packed: this.#packed(part) })
    this.#finish(this.#lag)
  }

  isWritten(number: number): boolean {
    return this.held.has(number)
  }

  read(number: number, room?: () => Part): Part {
    this.reads++
    if (!this.asked.has(number)) this.sudden++
    this.#ahead.delete(number)
    const part = this.#unwritten.get(number) ?? this.held.get(number)!
    return part instanceof Uint8Array ? this.#form.unpack(part, room) : part
  }

  copy(number: number): Uint8Array | null {
    const part = this.#unwritten.get(number) ?? this.held.get(number)!
    return part instanceof Uint8Array ? part : null
  }

  ahead(number: number): void {
    this.asked.add(number)
    this.#ahead.add(number)
  }

  drop(below: number): void {
    for (const parts of [this.held, this.#unwritten, this.#ahead]) {
      for (const number of parts.keys()) if (number < below) parts.delete(number)
    }
  }

  #finish(left: number): void {
    for (const { number, part, packed } of this.#inUse.splice(0, this.#inUse.length - left)) {
      assert.equal(Buffer.compare(this.#packed(part), packed), 0, `part ${number} has changed`)
      if (!this.#unwritten.delete(number)) continue
      this.held.set(number, packed)
      this.writtenBytes += packed.length
    }
  }

  #packed(part: Part | Uint8Array): Uint8Array {
    return part instanceof Uint8Array ? part : this.#form.pack(part)
  }
}
