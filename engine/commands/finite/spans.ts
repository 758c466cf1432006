import type { Block } from '../../model/block.ts'

/** As much event time as a record of a live log holds. */
const SPAN_MS = 100

/**
 * Rows `[from, to)` of a block as the records that they would be in a live log. What alerts put on lists counts for the
 * next record: in one of hours it would come too late.
 */
export function eachSpan(
  block: Block,
  from: number,
  to: number,
  take: (block: Block, from: number, to: number) => void,
): void {
  const { timesMs } = block
  let first = from
  for (let row = from + 1; row < to; row++) {
    if (Math.abs(timesMs[row]! - timesMs[first]!) < SPAN_MS) continue
    take(block, first, row)
    first = row
  }
  take(block, first, to)
}
