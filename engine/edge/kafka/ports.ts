import type { BlockBuilder } from '../../model/block-builder.ts'
import type { DeadLetterReason } from '../../model/errors.ts'
import type { AlertRecord, RankingRecord } from '../../model/output.ts'

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
