/**
 * Immutable parts of the held events outside the task's memory, known by rising numbers. Synchronous, since the task is;
 * an implementation writes and reads ahead behind its back. Throws EngineError STATE_CORRUPT where what was written
 * cannot be read any more.
 */
export interface Segments {
  /** How many may be in memory before any is written and let go, besides those that are in use. */
  readonly inMemoryMax: number
  write(number: number, bytes: Uint8Array): void
  read(number: number): Uint8Array
  /** The same for a snapshot, whose reading is not the task's: what was read ahead stays for it. */
  copy(number: number): Uint8Array
  /** `read` of it will come soon. */
  ahead(number: number): void
  /** Those below `number` will not be asked for again. */
  drop(number: number): void
}
