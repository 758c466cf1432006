import type { Block, Column, StringColumn } from '../../model/block.ts'
import type { Counters } from '../../model/counters.ts'
import type { Cell, SourcePosition } from '../../model/output.ts'
import type { Field, Stream } from '../../model/stream.ts'

/** One event as a plain object. Its identity (`===`) is what "each event once" means. */
export interface Event {
  readonly id: string
  readonly timeMs: number
  readonly type: string
  readonly stream: Stream
  readonly source: SourcePosition
  /** Number of the event in order of arrival. */
  readonly arrival: number
  readonly fields: ReadonlyMap<string, Cell>
  /** Decimals as they came: the integer and its scale. */
  readonly decimals: ReadonlyMap<string, FixedPoint | null>
}

/** value = digits / 10^scale */
export interface FixedPoint {
  readonly digits: bigint
  readonly scale: number
}

/** The nearest double. */
export function toNumber({ digits, scale }: FixedPoint): number {
  return Number(`${digits}e-${scale}`)
}

/** A double that does not fit 63 bits at its scale is taken for null. */
export function fits(value: number, scale: number): boolean {
  return Math.abs(value * 10 ** scale) < 2 ** 63
}

/** Row `row` of a block as an event. */
export function eventAt(block: Block, row: number, stream: Stream, arrival: number, counters: Counters): Event {
  const fields = new Map<string, Cell>()
  const decimals = new Map<string, FixedPoint | null>()
  stream.fields.forEach((field, i) => {
    const column = block.columns[i]!
    const cell = cellAt(column, row, field)
    const isNumber = field.kind === 'number' && cell !== null
    if (isNumber && !fits(cell as number, field.scale)) {
      fields.set(field.name, null)
      counters.counter('out_of_range_total').value += 1
    } else fields.set(field.name, cell)
    if (column.kind === 'decimal') decimals.set(field.name, decimalAt(column, row))
  })
  const source = { topic: block.sourceTopic, partition: block.sourcePartition, offset: block.offsets[row]! }
  const id = stream.idField === null ? null : fields.get(stream.idField)!
  return {
    id: id === null ? `${source.topic}/${source.partition}/${source.offset}` : String(id),
    timeMs: block.timesMs[row]!,
    type: textAt(block.types, row)!,
    stream,
    source,
    arrival,
    fields,
    decimals,
  }
}

function cellAt(column: Column, row: number, field: Field): Cell {
  if (column.kind === 'string') return textAt(column, row)
  if (column.kind === 'decimal') {
    const decimal = decimalAt(column, row)
    return decimal && toNumber(decimal)
  }
  const value = column.values[row]!
  if (Number.isNaN(value)) return null
  return field.kind === 'boolean' ? value === 1 : value
}

function textAt(column: StringColumn, row: number): string | null {
  if (column.nulls[row] === 1) return null
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    column.bytes.slice(column.offsets[row], column.offsets[row + 1]),
  )
}

function decimalAt(column: Extract<Column, { kind: 'decimal' }>, row: number): FixedPoint | null {
  const high = column.high[row]!
  const low = column.low[row]!
  if (high === -(2 ** 31) && low === 0) return null
  return { digits: BigInt(high) * 2n ** 32n + BigInt(low), scale: column.scale }
}
