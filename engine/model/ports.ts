import type { LogEntry, LogRecord } from './block.ts'
import type { SnapshotRefused } from './errors.ts'
import type { Announcement, Output, StateChange } from './output.ts'

/** Where a task puts what it made. Called in the order in which things happened. */
export interface Sink {
  output(output: Output): void
  change(change: StateChange): void
  /** For the other tasks of a rule set; nobody hears of it where one task has them all. */
  announce?(announcement: Announcement): void
}

/** A record of a commit that its log does not take at that size; the rest of the commit went on without it. */
export interface SetAside {
  readonly topic: string
  /** The rule, ranking, list or feature that it is of. */
  readonly rule: string
  readonly key: string
  /** Of the commit. */
  readonly position: number
  /** NaN = so many that they were not counted. */
  readonly bytes: number
}

/** What one step of a task comes to. Atomic: all of it is kept, or nothing. */
export interface Commit {
  /** Position of the last record read; the next one to read is behind it. */
  readonly position: number
  readonly outputs: readonly Output[]
  /** Changes of what must be remembered beyond the events, the last one of each key; null = forget it. */
  readonly changes: ReadonlyMap<string, string | null>
  /** For the other tasks of a rule set; absent where one task has them all. */
  readonly announcements?: readonly Announcement[]
}

/** Records that were read together, in order, at least one. */
export interface ReadRecords {
  readonly records: readonly LogRecord[]
  /** Wall clock at which the oldest of them was appended, epoch ms. */
  readonly appendedMs: number
}

/** A log whose end is followed. */
export interface FollowedLog {
  /** What is behind `position`, as soon as there is something; null when `stop` comes first. */
  next(position: number, stop: AbortSignal): Promise<ReadRecords | null>
}

/** What became of records that were read. */
export interface CommitDone {
  readonly commit: Commit
  readonly events: number
  /** From the append of the oldest record in it to its end, ms: an upper bound for each alert in it. */
  readonly latencyMs: number
  /** Wall clock, epoch ms. */
  readonly atMs: number
}

/** Where a task stands: its last commit, and all that its commits kept. */
export interface Committed {
  /** -1 before the first commit. */
  readonly position: number
  readonly kept: ReadonlyMap<string, string>
}

/** One task's log up to its last commit, with what its commits keep, for reading. */
export interface PastLog {
  committed(): Promise<Committed>
  /**
   * Records up to and including `through`, oldest first, in batches, beginning at the latest with the first one at
   * which stream time had reached `fromStreamMs` (earlier ones may come too).
   */
  past(fromStreamMs: number, through: number): AsyncIterable<readonly LogRecord[]>
}

/** The same for its task. Two real implementations: local (SQLite) and Kafka (an exchange partition and a transactional producer). */
export interface TaskLog extends PastLog {
  commit(commit: Commit): Promise<void>
}

/** A log whose positions have no gaps: what stands behind a snapshot is read again. */
export interface NumberedLog extends TaskLog {
  /** Of this log and no other: a snapshot of another one is of no use. Known once `position` was asked. */
  readonly id: string
  /** That of the last commit, -1 before the first. */
  position(): Promise<number>
  /** Records behind `position`, up to and including `through`, oldest first, in batches. */
  between(position: number, through: number): AsyncIterable<readonly LogRecord[]>
}

/** Bytes of a state, under a number that means the same piece in every snapshot until a full one. */
export interface SnapshotPiece {
  readonly key: number
  readonly bytes: Uint8Array
}

/** A state as a store gives it back. */
export interface SavedState {
  readonly head: Uint8Array
  /** Each piece once, in any order. */
  readonly pieces: Iterable<SnapshotPiece>
}

/** A state on its way into a store: copied step by step, while the task goes on. */
export interface SnapshotSource {
  /** All pieces come; otherwise those that changed since the snapshot before. */
  readonly full: boolean
  readonly head: Uint8Array
  /** True when the piece belongs to this snapshot. */
  has(key: number): boolean
  /**
   * The next pieces: a step of about as much work as copying `bytesMax`, which may leave a piece half done and give none.
   * Null = that was all.
   */
  copy(bytesMax: number): readonly SnapshotPiece[] | null
  /** Ends it before that. */
  giveUp(): void
}

export interface StoredSnapshot {
  readonly name: string
  /** The log position that it was taken at. */
  readonly position: number
  /** Reads it whole. SnapshotRefused when it is not. */
  read(): SavedState
}

/** Where snapshots of one task are kept. */
export interface SnapshotStore {
  /** Those that may be taken up at a committed position, newest first. What is not one is told to `refused`. */
  candidates(
    committed: number,
    refused: (refusal: SnapshotRefused, name: string) => void,
  ): Promise<readonly StoredSnapshot[]>
}

/** Where routers put what they read: one log per exchange partition. */
export interface LogWriter {
  append(entries: readonly LogEntry[]): Promise<void>
}
