import assert from 'node:assert/strict'
import type { Block } from '../model/block.ts'
import type { Counter, Counters } from '../model/counters.ts'
import type { Stream } from '../model/stream.ts'
import { Memory } from '../state/memory.ts'
import { RecentIds } from '../state/recent-ids.ts'
import { StringTable } from '../state/string-table.ts'
import type { Sources } from './sources.ts'

const TYPES_MAX = 4096

/** Rows of a stream, as the intake looks at them. */
interface Door {
  readonly stream: Stream
  /** Column with the event ids; -1 = none. */
  readonly idColumn: number
  readonly ids: RecentIds | null
}

/** What becomes of a row of a block. */
export const DROPPED = 0
const UNWANTED = 1
export const WANTED = 2

/**
 * The door of a task: which rows of a block it takes (docs/semantics.md, "What happens to one event", 1 and 2), and what
 * their types are called in the layout. `verdicts`, `types`, `sources` and `wanted` speak of the block that was looked at last.
 */
export class Intake {
  /** By row: DROPPED (repeated or late), UNWANTED (it moves time, no rule has its type), WANTED. */
  verdicts = new Uint8Array(1024)
  /** By row: index of its type in the layout. */
  types = new Uint16Array(1024)
  /** By row: index of its source partition. */
  sources = new Uint16Array(1024)
  /** The rows that are wanted, in order; their number is what `choose` and `list` return. */
  wanted = new Int32Array(1024)
  /** Off while the past is read again. */
  counting = true
  /** The ids: what a snapshot keeps of the intake. */
  readonly memory = new Memory()
  readonly #typeIndexOf: (type: string) => number
  readonly #doors = new Map<string, Door>()
  readonly #typeCodes = new StringTable(new Memory())
  #typeIndexByCode: number[] = []
  readonly #late: Counter
  readonly #duplicateOffsets: Counter
  readonly #duplicateIds: Counter
  readonly #events: Counter

  /** `typeIndexOf`: index of a type in the layout in force, -1 = no rule has it. */
  constructor(streams: readonly Stream[], counters: Counters, typeIndexOf: (type: string) => number) {
    this.#typeIndexOf = typeIndexOf
    for (const stream of streams) {
      const ids = stream.dedupeMs > 0 ? new RecentIds(this.memory, stream.dedupeMs) : null
      const idColumn = stream.fields.findIndex((f) => f.name === stream.idField)
      this.#doors.set(stream.name, { stream, idColumn, ids })
    }
    this.#late = counters.counter('late_total')
    this.#duplicateOffsets = counters.counter('duplicate_offsets_total')
    this.#duplicateIds = counters.counter('duplicate_ids_total')
    this.#events = counters.counter('events_total')
  }

  /** Another layout is in force. */
  forgetTypes(): void {
    this.#typeIndexByCode = []
  }

  /**
   * Looks at rows `[from, to)` of a block, that have just been read. The `offset` of their source partitions moves to the
   * largest one seen; `streamMs` is stream time before the first of them.
   */
  choose(block: Block, from: number, to: number, sources: Sources, streamMs: number): number {
    const door = this.#doors.get(block.stream)
    assert(door, `a block of a stream that is configured: ${block.stream}`)
    const { ids, stream } = door
    const idColumn = block.columns[door.idColumn]
    const one = this.counting ? 1 : 0
    let nowMs = streamMs
    let wanted = 0
    this.#makeRoom(to)
    sources.indexRows(block, from, to, this.sources)
    for (let row = from; row < to; row++) {
      const source = sources.list[this.sources[row]]
      this.verdicts[row] = DROPPED
      if (block.offsets[row] <= source.offset) {
        this.#duplicateOffsets.value += one
        continue
      }
      source.offset = block.offsets[row]
      const timeMs = block.timesMs[row]
      const readMs = Math.max(timeMs, nowMs)
      if (ids && idColumn?.kind === 'string' && idColumn.nulls[row] === 0) {
        if (!ids.add(idColumn.bytes, idColumn.offsets[row], idColumn.offsets[row + 1], nowMs, readMs)) {
          this.#duplicateIds.value += one
          continue
        }
      }
      if (timeMs < nowMs - stream.latenessMs) {
        this.#late.value += one
        continue
      }
      nowMs = readMs
      this.#events.value += one
      const type = this.#typeIndex(block, row)
      this.verdicts[row] = type < 0 ? UNWANTED : WANTED
      this.types[row] = type
      if (type >= 0) this.wanted[wanted++] = row
    }
    return wanted
  }

  /** Lists the rows of a block that was chosen before: those that `keep`, asked with row and type index, lets through. */
  list(block: Block, sources: Sources, keep: (row: number, type: number) => boolean): number {
    let wanted = 0
    this.#makeRoom(block.length)
    sources.indexRows(block, 0, block.length, this.sources)
    for (let row = 0; row < block.length; row++) {
      const type = this.#typeIndex(block, row)
      this.types[row] = type
      if (type >= 0 && keep(row, type)) this.wanted[wanted++] = row
    }
    return wanted
  }

  /** Types are few; should an input make up thousands, those beyond are looked up by name each time. */
  #typeIndex(block: Block, row: number): number {
    const { bytes, offsets } = block.types
    if (this.#typeCodes.live > TYPES_MAX) {
      return this.#typeIndexOf(
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(offsets[row], offsets[row + 1])),
      )
    }
    const code = this.#typeCodes.intern(bytes, offsets[row], offsets[row + 1])
    const known = this.#typeIndexByCode[code]
    if (known !== undefined) return known
    const index = this.#typeIndexOf(String(this.#typeCodes.value(code)))
    this.#typeIndexByCode[code] = index
    return index
  }

  #makeRoom(rows: number): void {
    if (rows <= this.wanted.length) return
    this.verdicts = new Uint8Array(rows * 2)
    this.types = new Uint16Array(rows * 2)
    this.sources = new Uint16Array(rows * 2)
    this.wanted = new Int32Array(rows * 2)
  }
}
