import type { Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import type { Stream } from '../model/stream.ts'
import type { Chunk, ColumnRef } from '../state/chunk.ts'
import { Rows } from '../state/rows.ts'
import type { StringTable } from '../state/string-table.ts'
import type { Core } from './core.ts'

const ROWS_MAX = 4_096

/** Everything a core holds, in order of arrival: blocks of one stream and source partition each, one at a time. */
export function* blocksOf(
  core: Core,
  sources: readonly { topic: string; partition: number }[],
): Generator<Block, void, undefined> {
  const { rows, layout, strings } = core
  const streamOf = (row: number): Stream => layout.types[rows.chunkOf(row).types[Rows.at(row)]].stream
  const sourceOf = (row: number): number => rows.chunkOf(row).sources[Rows.at(row)]
  const offsetOf = (row: number): number => rows.chunkOf(row).offsets[Rows.at(row)]
  for (let from = rows.firstRow; from < rows.endRow; ) {
    const stream = streamOf(from)
    const source = sourceOf(from)
    let to = from + 1
    const endRow = Math.min(rows.endRow, from + ROWS_MAX)
    while (to < endRow && streamOf(to) === stream && sourceOf(to) === source && offsetOf(to) > offsetOf(to - 1)) to++
    const builder = new BlockBuilder(stream, sources[source].topic, sources[source].partition)
    const columns = (layout.columns.mappings.get(stream.name) ?? []).map((refs) => refs[0])
    for (let row = from; row < to; row++) {
      const chunk = rows.chunkOf(row)
      const at = Rows.at(row)
      builder.begin(chunk.offsets[at], chunk.timesMs[at], layout.types[chunk.types[at]].name)
      for (let i = 0; i < columns.length; i++) copyCell(builder, i, columns[i], chunk, at, strings)
    }
    yield builder.build()
    from = to
  }
}

function copyCell(
  builder: BlockBuilder,
  field: number,
  ref: ColumnRef,
  chunk: Chunk,
  at: number,
  strings: StringTable,
): void {
  switch (ref.store) {
    case 'code': {
      const code = chunk.codes[ref.index][at]
      if (code >= 0) builder.string(field, strings.value(code) as string)
      return
    }
    case 'text':
      builder.string(field, chunk.texts[ref.index].at(at))
      return
    case 'decimal':
      builder.decimal(field, chunk.highs[ref.index][at], chunk.lows[ref.index][at])
      return
    default:
      builder.number(field, chunk.numbers[ref.index][at])
  }
}
