import { sliceBlock } from '../../edge/files/batch.ts'
import type { Block } from '../../model/block.ts'

/** As much event time as a record of a live log holds. */
const SPAN_MS = 100

/**
 * A block as the records that it would be in a live log. What alerts put on lists counts for the next record: in one of
 * hours it would come too late.
 */
export function eachSpan(block: Block, take: (part: Block) => void): void {
  const { timesMs, length } = block
  let from = 0
  for (let row = 1; row < length; row++) {
    if (Math.abs(timesMs[row]! - timesMs[from]!) < SPAN_MS) continue
    take(sliceBlock(block, from, row))
    from = row
  }
  take(from === 0 ? block : sliceBlock(block, from, length))
}
