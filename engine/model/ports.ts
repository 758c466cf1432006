import type { LogEntry, LogRecord } from './block.ts'
import type { Output, StateChange } from './output.ts'

/** Where a task puts what it made. Called in the order in which things happened. */
export interface Sink {
  output(output: Output): void
  change(change: StateChange): void
}

/** What one step of a task comes to. Atomic: all of it is kept, or nothing. */
export interface Commit {
  /** Position of the last record read; the next one to read is behind it. */
  readonly position: number
  readonly outputs: readonly Output[]
  /** Changes of what must be remembered beyond the events, the last one of each key; null = forget it. */
  readonly changes: ReadonlyMap<string, string | null>
}

/** Where a task stands: its last commit, and all that its commits kept. */
export interface Committed {
  /** -1 before the first commit. */
  readonly position: number
  readonly kept: ReadonlyMap<string, string>
}

/**
 * One task's log, with what its commits keep. Two real implementations: local (SQLite) and Kafka (an exchange
 * partition and a transactional producer).
 */
export interface TaskLog {
  committed(): Promise<Committed>
  /**
   * Records up to and including `through`, oldest first, in batches, beginning at the latest with the first one at
   * which stream time had reached `fromStreamMs` (earlier ones may come too).
   */
  past(fromStreamMs: number, through: number): AsyncIterable<readonly LogRecord[]>
  commit(commit: Commit): Promise<void>
}

/** Where routers put what they read: one log per exchange partition. */
export interface LogWriter {
  append(entries: readonly LogEntry[]): Promise<void>
}
