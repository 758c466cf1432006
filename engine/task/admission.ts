import type { Chunk } from '../state/chunk.ts'
import type { KeySpace } from '../state/key-space.ts'
import { fits, type Rows } from '../state/rows.ts'
import type { StringTable } from '../state/string-table.ts'
import type { Context } from './context.ts'
import { passes } from './held-events.ts'
import type { Layout } from './layout.ts'
import type { TypePlan } from './plans.ts'

interface Host {
  readonly layout: Layout
  readonly rows: Rows
  readonly context: Context
  readonly strings: StringTable
  /** Keys that one key space has room for. */
  readonly keysMax: number
}

/** What is settled of an event once, as it is read: its computed columns, the filters that it passes, its keys' slots. */
export class Admission {
  readonly #host: Host
  readonly #bitWords: number

  constructor(host: Host) {
    this.#host = host
    this.#bitWords = host.layout.shape.bitWords
  }

  /** The event, at hand in the context, is in `row`, at `at` in its chunk. */
  admit(chunk: Chunk, at: number, row: number, timeMs: number): void {
    const type = this.#host.layout.types[chunk.types[at]]
    this.#computeLets(type, chunk, at)
    this.#setBits(type, chunk, at)
    this.#setKeys(type, chunk, at, row, timeMs)
  }

  #computeLets(type: TypePlan, chunk: Chunk, at: number): void {
    const { strings, rows } = this.#host
    for (let i = 0; i < type.lets.length; i++) {
      const { ref, read } = type.lets[i]
      const value = read()
      if (value === null || value === undefined) continue
      if (ref.store === 'code' && typeof value === 'number' && !fits(value, ref.scale)) continue
      if (ref.store === 'code') {
        chunk.codes[ref.index][at] =
          typeof value === 'string' ? strings.internText(value) : strings.internNumber(Number(value))
      } else rows.setNumber(chunk, at, ref, Number(value))
    }
  }

  #setBits(type: TypePlan, chunk: Chunk, at: number): void {
    const { filters } = type
    const words = at * this.#bitWords
    for (let i = 0; i < filters.length; i++) {
      const { word, mask, parent, passes } = filters[i]
      if (parent !== null && (chunk.bits[words + parent.word] & parent.mask) === 0) continue
      if (passes()) chunk.bits[words + word] |= mask
    }
  }

  /** Finds the slots of the event's keys, in the key spaces whose rules take it and whose windows still hold it. */
  #setKeys(type: TypePlan, chunk: Chunk, at: number, row: number, timeMs: number): void {
    const { layout, context, keysMax } = this.#host
    const bitWords = this.#bitWords
    for (let i = 0; i < type.spaces.length; i++) {
      const { space: index, users } = type.spaces[i]
      let wanted = false
      for (let u = 0; u < users.length && !wanted; u++) wanted = passes(users[u].filter, chunk, at, bitWords)
      if (!wanted) continue
      const space = layout.spaces[index]
      if (!probe(space, layout.keyColumns(index), chunk, at)) {
        if (!context.evaluating) continue
        for (const user of users) if (passes(user.filter, chunk, at, bitWords)) user.nullKeys.value++
        continue
      }
      if (timeMs <= context.streamMs - layout.longestMs(index)) continue
      const slot = space.slotOf(keysMax)
      if (slot < 0) {
        if (!context.evaluating) continue
        for (const user of users) if (passes(user.filter, chunk, at, bitWords)) user.keysRefused.value++
        continue
      }
      chunk.slots[index][at] = slot
      chunk.chains[index][at] = space.chain(slot, row)
    }
  }
}

/** Puts the event's key into the space's probe; false when a part of it is null. */
function probe(space: KeySpace, columns: readonly number[], chunk: Chunk, at: number): boolean {
  const target = space.keys.probe
  for (let i = 0; i < columns.length; i++) {
    const code = chunk.codes[columns[i]][at]
    if (code < 0) return false
    target[i] = code
  }
  return true
}
