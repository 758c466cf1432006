import type { BlockBuilder } from '../../model/block-builder.ts'
import type { DeadLetterReason } from '../../model/errors.ts'
import type { AlertRecord, RankingRecord } from '../../model/output.ts'
import type { NumberedLog } from '../../model/ports.ts'
import type { TakenUp } from '../../task/step.ts'
import type { Gauge } from './gauges.ts'

/** Turns the records of one topic into rows; the registry edge has one (`RecordDecoder`). */
export interface Decoder {
  /** Null: nothing to wait for. Rejects with REGISTRY_UNREACHABLE while the registry does not answer. */
  prepare(records: Iterable<Uint8Array | null>): Promise<void> | null
  /** Appends a row, or says why the record is none. */
  decode(bytes: Uint8Array | null, builder: BlockBuilder, offset: number, clockMs: number | null): BadRecord | null
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
