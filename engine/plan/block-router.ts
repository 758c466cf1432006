import type { Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import { cellAt, utf8At } from '../model/column.ts'
import type { Counter, Counters } from '../model/counters.ts'
import type { Stream } from '../model/stream.ts'
import { type AbstainReason, compileExpression, type Scope } from '../rules/index.ts'
import { Memory } from '../state/memory.ts'
import { StringTable } from '../state/string-table.ts'
import type { Exchange } from './exchange.ts'
import { partitionOfCell, partitionOfValue } from './partition.ts'

const TYPES_MAX = 4_096

/** An exchange and how many partitions its topic has. */
export interface RoutedExchange {
  readonly exchange: Exchange
  readonly partitions: number
}

/** `exchange` is an index into the list that the router was made with. */
export type Emit = (exchange: number, partition: number, block: Block) => void

/** Takes the blocks of one stream apart: each row goes to every exchange that wants its type, at its partition there. */
export class BlockRouter {
  readonly #stream: Stream
  readonly #routes: Route[]
  readonly #types = new StringTable(new Memory())
  readonly #wantedByCode: (Wanted | undefined)[] = []
  readonly #unwanted: Counter

  constructor(stream: Stream, exchanges: readonly RoutedExchange[], counters: Counters) {
    this.#stream = stream
    this.#unwanted = counters.counter('router_unwanted_total', { stream: stream.name })
    this.#routes = exchanges.flatMap(({ exchange, partitions }, index) =>
      exchange.streams.includes(stream.name) ? [new Route(index, exchange, partitions, stream, counters)] : [],
    )
  }

  /** Rows `[from, to)` of `block`, as one block for each exchange partition that gets some. */
  route(block: Block, from: number, to: number, emit: Emit): void {
    for (let row = from; row < to; row++) {
      const { type, routes } = this.#wanted(block, row)
      if (routes.length === 0) this.#unwanted.value++
      for (const route of routes) route.add(block, row, type)
    }
    for (const route of this.#routes) route.build(block, emit)
  }

  #wanted(block: Block, row: number): Wanted {
    const { bytes, offsets } = block.types
    if (this.#types.live >= TYPES_MAX) return this.#ask(utf8At(bytes, offsets[row], offsets[row + 1]))
    const code = this.#types.intern(bytes, offsets[row], offsets[row + 1])
    this.#wantedByCode[code] ??= this.#ask(this.#types.value(code) as string)
    return this.#wantedByCode[code]
  }

  #ask(type: string): Wanted {
    const known = 'fixed' in this.#stream.type ? this.#stream.type.fixed : type
    return { type, routes: this.#routes.filter((route) => route.exchange.types.includes(known)) }
  }
}

interface Wanted {
  readonly type: string
  readonly routes: readonly Route[]
}

class Route {
  readonly exchange: Exchange
  readonly #index: number
  readonly #place: (block: Block, row: number) => number
  readonly #builders: BlockBuilder[]

  constructor(index: number, exchange: Exchange, partitions: number, stream: Stream, counters: Counters) {
    this.exchange = exchange
    this.#index = index
    this.#place = placing(exchange, partitions, stream, counters)
    this.#builders = Array.from({ length: partitions }, () => new BlockBuilder(stream, stream.topic, 0))
  }

  add(block: Block, row: number, type: string): void {
    const builder = this.#builders[this.#place(block, row)]
    builder.begin(block.offsets[row], block.timesMs[row], type)
    const { columns } = block
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]
      if (column.kind === 'string') {
        if (column.nulls[row] === 0) builder.stringBytes(i, column.bytes, column.offsets[row], column.offsets[row + 1])
      } else if (column.kind === 'decimal') builder.decimal(i, column.high[row], column.low[row])
      else builder.number(i, column.values[row])
    }
  }

  build({ sourceTopic, sourcePartition }: Block, emit: Emit): void {
    for (let partition = 0; partition < this.#builders.length; partition++) {
      const builder = this.#builders[partition]
      if (builder.length > 0) emit(this.#index, partition, { ...builder.build(), sourceTopic, sourcePartition })
    }
  }
}

/** Row -> partition. An event that lacks the value stands in partition 0, counted: a key that has it is not there. */
function placing(
  { id, by }: Exchange,
  partitions: number,
  stream: Stream,
  counters: Counters,
): (block: Block, row: number) => number {
  if (by.kind === 'all') return () => 0
  const unplaced = counters.counter('router_null_partition_total', { exchange: id, stream: stream.name })
  if (by.kind === 'field') {
    const index = stream.fields.findIndex((field) => field.name === by.name)
    return (block, row) => {
      const column = block.columns[index]
      if (isNull(column, row)) unplaced.value++
      return partitionOfCell(column, row, partitions)
    }
  }
  const scope = new BlockScope(stream)
  const read = compileExpression(by.expression, scope)
  return (block, row) => {
    scope.block = block
    scope.row = row
    const value = read()
    if (value === null || value === undefined) unplaced.value++
    return partitionOfValue(value, partitions)
  }
}

function isNull(column: Block['columns'][number], row: number): boolean {
  return column.kind === 'string' ? column.nulls[row] === 1 : cellAt(column, row) === null
}

/** Leaves of an expression over one row of a block: fields only, for lets and params were put in by the planner. */
class BlockScope implements Scope {
  readonly #stream: Stream
  block!: Block
  row = 0
  reason: AbstainReason = 'null'

  constructor(stream: Stream) {
    this.#stream = stream
  }

  field(name: string) {
    const index = this.#stream.fields.findIndex((field) => field.name === name)
    return () => cellAt(this.block.columns[index], this.row)
  }
  let = unavailable
  measure = unavailable
  key = unavailable
  param = unavailable
  list = unavailable
  feature = unavailable
}

function unavailable(name: string): never {
  throw new TypeError(`"${name}" has no value where events are routed`)
}
