import type { Expression } from '../model/expression.ts'
import { type Definition, type Feature, isRunning, type Ranking, type Rule, type RuleSet } from '../model/rule.ts'
import { type Field, type Stream, streamOfType } from '../model/stream.ts'
import type { ColumnRef } from '../state/chunk.ts'

/** A computed column: the value of a `let`, one for all rules that write it alike. */
export interface LetColumn {
  readonly ref: ColumnRef
  readonly definition: Definition
  /** Lets and params put in: it reads nothing but fields and lists. */
  readonly expression: Expression
  /** Event types of the rules that want it. */
  readonly types: Set<string>
}

/**
 * Decides which column of the held events keeps what.
 *
 * A string that any rule computes with (key, distinct, condition) is kept as a code, others as bytes. A number that
 * serves as a key or is counted by its values has a code column besides. Fields of several streams with one name and
 * kind share a column.
 */
export class Columns {
  readonly #streams: readonly Stream[]
  readonly #computed: ReadonlySet<string>
  readonly #refs = new Map<string, ColumnRef>()
  readonly #lets = new Map<string, LetColumn>()
  readonly #counts = { code: 0, number: 0, decimal: 0, text: 0 }
  /** Per stream and field: the columns that its values are copied to. */
  readonly mappings: ReadonlyMap<string, ColumnRef[][]>

  /** `held`: all fields that events have, or those by which they are known and that the rule set reads. */
  constructor(streams: readonly Stream[], set: RuleSet, held: 'all' | 'read') {
    this.#streams = streams
    this.#computed = computedFields(set)
    this.mappings = new Map(streams.map((s) => [s.name, s.fields.map(() => [])]))
    for (const { fields, idField } of streams)
      for (const field of fields) if (held === 'all' || field.name === idField) this.#fieldRef(field)
  }

  get counts(): Readonly<{ code: number; number: number; decimal: number; text: number }> {
    return this.#counts
  }

  /** Column that holds `event.<name>` for a rule. */
  field(definition: Definition, name: string): ColumnRef {
    return this.#fieldRef(this.#fieldOf(definition, name))
  }

  /** Code column of a field or let: what keys and distinct counts are made of. */
  code(definition: Definition, name: string): ColumnRef {
    const own = definition.lets.find((l) => l.name === name)
    if (own) return this.let(definition, name, true)
    const ref = this.field(definition, name)
    return ref.store === 'code' ? ref : this.#fieldRef(this.#fieldOf(definition, name), true)
  }

  /** Numeric column of a field or let: what sums and extremes are made of. */
  number(definition: Definition, name: string): ColumnRef {
    return definition.lets.some((l) => l.name === name) ? this.let(definition, name) : this.field(definition, name)
  }

  isBoolean(definition: Definition, name: string): boolean {
    const own = definition.lets.find((l) => l.name === name)
    return own ? own.type === 'boolean' : this.#fieldOf(definition, name).kind === 'boolean'
  }

  let(definition: Definition, name: string, asCode = false): ColumnRef {
    const found = definition.lets.find((l) => l.name === name)
    if (!found) throw new TypeError(`no let ${name} in ${definition.id}`)
    const store = found.type === 'string' || asCode ? 'code' : found.type === 'boolean' ? 'boolean' : 'number'
    const inlined = canonical(found.expression, definition)
    const key = `${store} ${inlined}`
    let column = this.#lets.get(key)
    if (!column) {
      column = { ref: this.#newRef(store, 6), definition, expression: JSON.parse(inlined), types: new Set() }
      this.#lets.set(key, column)
    }
    for (const type of definition.on) column.types.add(type)
    return column.ref
  }

  /** All computed columns asked for so far. */
  get lets(): LetColumn[] {
    return [...this.#lets.values()]
  }

  #fieldOf(definition: Definition, name: string): Field {
    const stream = streamOfType(this.#streams, definition.on[0])
    const field = stream?.fields.find((f) => f.name === name)
    if (!field) throw new TypeError(`no field ${name} for ${definition.on[0]}`)
    return field
  }

  #fieldRef(field: Field, asCode = false): ColumnRef {
    const store = asCode
      ? 'code'
      : field.kind === 'string'
        ? this.#computed.has(field.name)
          ? 'code'
          : 'text'
        : field.kind
    const key = `${store} ${field.name} ${field.kind} ${field.scale}`
    let ref = this.#refs.get(key)
    if (!ref) {
      ref = this.#newRef(store, field.scale)
      this.#refs.set(key, ref)
      for (const stream of this.#streams) {
        stream.fields.forEach((f, i) => {
          if (f.name === field.name && f.kind === field.kind && f.scale === field.scale) {
            this.mappings.get(stream.name)?.[i].push(ref as ColumnRef)
          }
        })
      }
    }
    return ref
  }

  #newRef(store: ColumnRef['store'], scale: number): ColumnRef {
    return { store, index: this.#counts[store === 'boolean' ? 'number' : store]++, scale }
  }
}

/** JSON of an expression with lets and params put in: equal for what computes the same from an event. */
export function canonical(expression: Expression | null, definition: Definition): string {
  return JSON.stringify(expression, (_, node) => {
    if (node?.op === 'let') return definition.lets.find((l) => l.name === node.name)?.expression
    if (node?.op === 'param') return { op: 'literal', type: node.type, value: definition.params[node.name] }
    return node
  })
}

/** Names of all fields that some rule computes with. */
function computedFields(set: RuleSet): Set<string> {
  const names = new Set<string>()
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(walk)
    else if (typeof node === 'object' && node !== null) {
      const { op, name } = node as { op?: unknown; name?: unknown }
      if (op === 'field' && typeof name === 'string') names.add(name)
      Object.values(node).forEach(walk)
    }
  }
  for (const rule of set.rules) for (const name of countedFields(rule)) names.add(name)
  for (const ranking of set.rankings) for (const name of rankedFields(ranking)) names.add(name)
  for (const sequence of set.sequences) for (const name of sequence.by) names.add(name)
  for (const feature of set.features) for (const name of countedFields(feature)) names.add(name)
  walk(set.features)
  walk(set.rules)
  walk(set.sequences)
  walk(set.rankings)
  return names
}

function countedFields({ by, measures, ...rule }: Rule | Feature): string[] {
  const measured = measures.flatMap((m) => (isRunning(m) && m.of !== null ? [m.of] : []))
  return [...by, ...measured, ...('suspects' in rule && rule.suspects ? [rule.suspects.of] : [])]
}

function rankedFields(ranking: Ranking): string[] {
  const measured = ranking.columns.flatMap((c) => ('of' in c && c.of !== null ? [c.of] : []))
  return [ranking.rank, ...ranking.per, ...(ranking.cap ? [ranking.cap.per] : []), ...measured]
}
