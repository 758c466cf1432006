import { sliceBlock } from '../../model/batch.ts'
import type { Batch } from '../../model/block.ts'

/** As much event time as a record of a live log holds. */
const SPAN_MS = 100

/**
 * A batch as the records that it would be in a live log, as views of its columns. What alerts put on lists counts for the
 * next record: in one of hours it would come too late.
 */
export function spansOf({ blocks, runs }: Batch): Batch[] {
  const spans: Batch[] = []
  const next = new Uint32Array(blocks.length)
  /** Indexes of the blocks with rows in the span, in the order of their first ones, and those rows. */
  let open: number[] = []
  let from: number[] = []
  let kept: number[] = []
  let firstMs = Number.NaN
  const close = () => {
    const parts = open.map((block, i) => sliceBlock(blocks[block]!, from[i]!, next[block]!))
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    spans.push({ kind: 'batch', blocks: parts, runs: Uint32Array.from(kept), length })
    open = []
    from = []
    kept = []
  }
  for (let run = 0; run < runs.length; run += 2) {
    const block = runs[run]!
    const { timesMs } = blocks[block]!
    for (let left = runs[run + 1]!; left > 0; left--) {
      const timeMs = timesMs[next[block]!]!
      if (open.length > 0 && Math.abs(timeMs - firstMs) >= SPAN_MS) close()
      if (open.length === 0) firstMs = timeMs
      let index = open.indexOf(block)
      if (index < 0) {
        index = open.push(block) - 1
        from.push(next[block]!)
      }
      if (kept.at(-2) === index) kept[kept.length - 1]! += 1
      else kept.push(index, 1)
      next[block]! += 1
    }
  }
  if (open.length > 0) close()
  return spans
}
