/**
 * Immutable parts of the held events outside the task's memory, known by rising numbers. Synchronous, since the task is;
 * an implementation writes and reads ahead behind its back. Throws EngineError STATE_CORRUPT where what was written
 * cannot be read any more.
 */
export interface Segments<Part = Uint8Array> {
  /** How many may be in memory before any is written and let go, besides those that are in use. */
  readonly inMemoryMax: number
  /** Parts that are in memory, or will be soon, because they were asked for ahead. */
  readonly aheadParts: number
  /** A part that changes no more, or one that is packed already. */
  write(number: number, part: Part | Uint8Array): void
  /** Until then the part's memory is in use. */
  isWritten(number: number): boolean
  /** `room`: a part whose memory is to be used for it, where parts are larger than their bytes. */
  read(number: number, room?: () => Part): Part
  /** Packed, for a snapshot, whose reading is not the task's; null where nobody has packed the part yet. */
  copy(number: number): Uint8Array | null
  /** `read` of it will come soon. */
  ahead(number: number, room?: () => Part): void
  /** Those below `number` will not be asked for again. */
  drop(number: number): void
}
