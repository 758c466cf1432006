import type { Batch } from '../../model/block.ts'
import { cellAt } from '../../model/column.ts'
import { positionId } from '../../model/source-position.ts'
import type { Stream } from '../../model/stream.ts'

/** Calls `take` with the id of each event, as alerts name it: its position where the stream has none. */
export function eachEventId({ blocks }: Batch, streams: readonly Stream[], take: (id: string) => void): void {
  for (const { stream: name, sourceTopic, sourcePartition, columns, offsets, length } of blocks) {
    const stream = streams.find((s) => s.name === name)!
    const column = columns[stream.fields.findIndex((f) => f.name === stream.idField)]
    for (let row = 0; row < length; row++) {
      const id = column === undefined ? null : cellAt(column, row)
      const position = { topic: sourceTopic, partition: sourcePartition, offset: offsets[row] }
      take(id === null ? positionId(position) : String(id))
    }
  }
}
