import type { Decoder } from '../../edge/kafka/ports.ts'
import type { RawRecord } from '../../edge/kafka/source-reader.ts'
import type { Block } from '../../model/block.ts'
import type { BlockBuilder } from '../../model/block-builder.ts'

/** Decoded at a time; rows beyond are those of one record. */
const BLOCK_RECORDS_MAX = 1_000

export interface Decoding {
  readonly decoder: Decoder
  readonly builder: BlockBuilder
  /** It ends behind the first event of that time or later, epoch ms. */
  readonly untilMs: number
  readonly onBad: (record: RawRecord, reason: string) => void
  /** Everything below that offset has been read. */
  readonly onRead: (offset: number) => void
}

/** Records of one partition as blocks. The clock that an event must not be far ahead of is its record's own timestamp. */
export async function* decodedBlocks(
  pieces: AsyncIterable<readonly RawRecord[]>,
  { decoder, builder, untilMs, onBad, onRead }: Decoding,
): AsyncGenerator<Block, void, undefined> {
  for await (const piece of pieces) {
    for (const [i, record] of piece.entries()) {
      const { value, offset, timestampMs } = record
      const end = value?.length ?? 0
      const asked = decoder.prepare(value, 0, end)
      if (asked) await asked
      const bad = decoder.decode(value, 0, end, builder, offset, timestampMs < 0 ? null : timestampMs)
      if (bad) onBad(record, `${bad.reason}: ${bad.detail}`)
      if (builder.length < BLOCK_RECORDS_MAX && i < piece.length - 1) continue
      onRead(offset + 1)
      if (builder.length === 0) continue
      const block = builder.build()
      yield block
      if (block.timesMs.some((timeMs) => timeMs >= untilMs)) return
    }
  }
}
