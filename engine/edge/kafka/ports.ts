import type { BlockBuilder } from '../../model/block-builder.ts'
import type { DeadLetterReason } from '../../model/errors.ts'
import type { AlertRecord, RankingRecord } from '../../model/output.ts'
import type { NumberedLog } from '../../model/ports.ts'
import type { Gauge } from '../../model/telemetry.ts'
import type { TakenUp } from '../../task/step.ts'

/**
 * Turns the records of one topic into rows; the registry edge has one (`decoderFor`). A record is
 * `bytes[start..end)`, where it stands in a larger buffer; `bytes` null = a record without a value.
 */
export interface Decoder {
  /**
   * Null: `decode` may be called. Else the registry must be asked first: rejects with REGISTRY_UNREACHABLE while it does
   * not answer. Once it has resolved, call `decode` without asking again: an id that the registry does not know is a dead
   * letter then.
   */
  prepare(bytes: Uint8Array | null, start: number, end: number): Promise<void> | null
  /**
   * Appends the record's row or rows to `builder`. Null = done, also where the record says nothing to the stream; else why
   * it is none, and nothing was appended. `clockMs` null: no record is from the future.
   */
  decode(
    bytes: Uint8Array | null,
    start: number,
    end: number,
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
  ): BadRecord | null
}

export interface BadRecord {
  readonly reason: DeadLetterReason
  readonly detail: string
}

/** Outputs as bytes; the registry edge has one (`OutputEncoder`). */
export interface Encoder {
  encodeAlert(alert: AlertRecord): Buffer
  encodeRanking(ranking: RankingRecord): Buffer
}

/** What a task keeps on its machine's disk: snapshots of its state, and held events that are not in memory. */
export interface TaskKeep {
  /**
   * A task with the state of the log's last commit; the one before is of no use any more. `committed` resolves when a
   * position at which the task rested is committed: before that, no snapshot of it counts. It rejects when that will not
   * come.
   */
  takeUp(log: NumberedLog, committed: (position: number) => Promise<void>): Promise<TakenUp>
  /** The task is at this position and at no record: a snapshot may begin, now or until the next record. */
  rests(position: number): void
  gauges(): readonly Gauge[]
  /** Gives up a snapshot under way. */
  close(): Promise<void>
}
