import type { Block, Column } from '../model/block.ts'
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

/** By exchange, in the order of the list that the placing was made with: the partition of each row there, NOWHERE = none. */
export type Placements = readonly Int32Array[]

export const NOWHERE = -1

/** Says where the rows of one stream go: to every exchange that wants their type, at their partition there. */
export class Placing {
  readonly #stream: Stream
  readonly #routes: readonly Route[]
  readonly #types = new StringTable(new Memory())
  /** By code of a type: by exchange, 1 = it wants the type. */
  readonly #wantedByCode: (Uint8Array | undefined)[] = []
  readonly #unwanted: Counter

  constructor(stream: Stream, exchanges: readonly RoutedExchange[], counters: Counters) {
    this.#stream = stream
    this.#unwanted = counters.counter('router_unwanted_total', { stream: stream.name })
    this.#routes = exchanges.map(({ exchange, partitions }) => ({
      types: exchange.streams.includes(stream.name) ? exchange.types : [],
      place: placing(exchange, partitions, stream, counters),
    }))
  }

  of(block: Block): Placements {
    const places = this.#routes.map(() => new Int32Array(block.length))
    for (let row = 0; row < block.length; row++) {
      const wanted = this.#wanted(block, row)
      let somebody = false
      for (let i = 0; i < places.length; i++) {
        if (wanted[i] === 1) somebody = true
        places[i][row] = wanted[i] === 1 ? this.#routes[i].place(block, row) : NOWHERE
      }
      if (!somebody) this.#unwanted.value++
    }
    return places
  }

  #wanted(block: Block, row: number): Uint8Array {
    const { bytes, offsets } = block.types
    if (this.#types.live >= TYPES_MAX) return this.#ask(utf8At(bytes, offsets[row], offsets[row + 1]))
    const code = this.#types.intern(bytes, offsets[row], offsets[row + 1])
    this.#wantedByCode[code] ??= this.#ask(this.#types.value(code) as string)
    return this.#wantedByCode[code]
  }

  #ask(type: string): Uint8Array {
    const known = 'fixed' in this.#stream.type ? this.#stream.type.fixed : type
    return Uint8Array.from(this.#routes, ({ types }) => (types.includes(known) ? 1 : 0))
  }
}

type Place = (block: Block, row: number) => number

interface Route {
  readonly types: readonly string[]
  readonly place: Place
}

/** Row -> partition. An event that lacks the value goes to partition 0, counted: a key that has it is not there. */
function placing({ id, by }: Exchange, partitions: number, stream: Stream, counters: Counters): Place {
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

function isNull(column: Column, row: number): boolean {
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
