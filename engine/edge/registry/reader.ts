import type { BlockBuilder } from '../../model/block-builder.ts'

/** What a reader found beside the columns. */
export interface Head {
  /** NaN where the record has no time. */
  timeMs: number
  /** Index of a field of the stream whose decimal does not fit; -1 = none. */
  unfit: number
}

/** Reads records of one writer's schema as rows of a stream. */
export interface Reader {
  /** The writer's fields. */
  readonly names: readonly string[]
  /**
   * Fills `row` of `builder`, which was just begun, but for its time and a fixed type; fields that have no value, and a
   * decimal that does not fit, stay null. Returns a fault (fault.ts) where `bytes[start..end)` is not exactly one record:
   * the row must be taken back then.
   */
  read(bytes: Uint8Array, start: number, end: number, builder: BlockBuilder, row: number, head: Head): number
}
