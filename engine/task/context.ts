import type { Value } from '../model/expression.ts'
import type { Announcement } from '../model/output.ts'
import type { Definition, NamedList } from '../model/rule.ts'
import type { AbstainReason, Scope } from '../rules/evaluate/scope.ts'
import type { Chunk, ColumnRef } from '../state/chunk.ts'
import type { KeySpace } from '../state/key-space.ts'
import { decimalAsDouble } from '../state/rows.ts'
import type { StringTable } from '../state/string-table.ts'
import type { Columns } from './columns.ts'
import type { FeatureKey, FeatureValues } from './feature-table.ts'
import type { Lists, Members } from './lists.ts'

/** What the closures of a layout look at: set by the core before it calls one. */
export class Context {
  /** Stream time of the task, epoch ms. */
  streamMs = Number.NEGATIVE_INFINITY
  /** Null: the lists are as the rule set says. */
  lists: Lists | null = null
  /** By id. */
  readonly features = new Map<string, FeatureValues>()
  /** For the others that share the rule set; null = nobody does. */
  announce: ((announcement: Announcement) => void) | null = null
  /** Off while the past is read again: windows move, but nothing is evaluated, put out or counted. */
  evaluating = true
  /** The event at hand. */
  chunk!: Chunk
  at = 0
  /** The key at hand: its cells begin at `base`. */
  space!: KeySpace
  slot = 0
  cells!: Float64Array
  base = 0

  setKey(space: KeySpace, slot: number): void {
    this.space = space
    this.slot = slot
    this.cells = space.cellsOf(slot)
    this.base = space.baseOf(slot)
  }
}

/** Closure that reads one column of the event at hand. */
export function columnReader(context: Context, ref: ColumnRef, strings: StringTable): () => Value {
  const { index, scale } = ref
  switch (ref.store) {
    case 'code':
      return () => {
        const code = context.chunk.codes[index][context.at]
        return code < 0 ? null : strings.value(code)
      }
    case 'number':
      return () => {
        const value = context.chunk.numbers[index][context.at]
        return Number.isNaN(value) ? null : value
      }
    case 'boolean':
      return () => {
        const value = context.chunk.numbers[index][context.at]
        return Number.isNaN(value) ? null : value !== 0
      }
    case 'decimal':
      return () => {
        const value = decimalAsDouble(
          context.chunk.highs[index][context.at],
          context.chunk.lows[index][context.at],
          scale,
        )
        return Number.isNaN(value) ? null : value
      }
    case 'text':
      return () => context.chunk.texts[index].at(context.at)
  }
}

/**
 * The names of one rule or ranking, bound to the context. `by`: the parts of the key at hand; null = there is none yet,
 * and `key.<name>` is what the event at hand says.
 */
export class RowScope implements Scope {
  reason: AbstainReason = 'null'
  readonly #context: Context
  readonly #definition: Definition
  readonly #columns: Columns
  readonly #strings: StringTable
  readonly #lists: readonly NamedList[]
  readonly #by: readonly string[] | null
  readonly #measures: (name: string) => () => Value

  constructor(
    context: Context,
    columns: Columns,
    strings: StringTable,
    lists: readonly NamedList[],
    definition: Definition,
    by: readonly string[] | null = null,
    measures: (name: string) => () => Value = () => () => null,
  ) {
    this.#context = context
    this.#columns = columns
    this.#strings = strings
    this.#lists = lists
    this.#definition = definition
    this.#by = by
    this.#measures = measures
  }

  field(name: string): () => Value {
    return columnReader(this.#context, this.#columns.field(this.#definition, name), this.#strings)
  }

  let(name: string): () => Value {
    return columnReader(this.#context, this.#columns.let(this.#definition, name), this.#strings)
  }

  measure(name: string): () => Value {
    return this.#measures(name)
  }

  key(name: string): () => Value {
    const asBoolean = this.#columns.isBoolean(this.#definition, name)
    if (this.#by === null) return this.#keyOfEvent(name, asBoolean)
    const part = this.#by.indexOf(name)
    const context = this.#context
    const strings = this.#strings
    return () => {
      const value = strings.value(context.space.keys.part(context.slot, part))
      return asBoolean ? value !== 0 : value
    }
  }

  #keyOfEvent(name: string, asBoolean: boolean): () => Value {
    const read = columnReader(this.#context, this.#columns.code(this.#definition, name), this.#strings)
    return asBoolean ? () => orNull(read(), (value) => value !== 0) : read
  }

  param(name: string): number | string | boolean {
    return this.#definition.params[name]
  }

  feature(name: string, measure: string): (key: FeatureKey) => Value {
    const values = this.#context.features.get(name)
    if (!values) throw new TypeError(`no feature ${name} for ${this.#definition.id}`)
    return values.reader(measure)
  }

  list(name: string): Members {
    return this.#context.lists?.members(name) ?? new Set(this.#lists.find((l) => l.id === name)?.items ?? [])
  }
}

/** The same where no event is at hand: what is read of one is not there. */
export function withoutEvent(scope: RowScope): Scope {
  const nothing = () => () => null
  return {
    field: nothing,
    let: nothing,
    measure: (name) => scope.measure(name),
    key: (name) => scope.key(name),
    param: (name) => scope.param(name),
    feature: (name, measure) => scope.feature(name, measure),
    list: (name) => scope.list(name),
    reason: 'null',
  }
}

function orNull(value: Value, map: (value: Value) => Value): Value {
  return value === null ? null : map(value)
}
