/** Schemas that a schema refers to, by the full names of their types. */
export type Named = Map<string, unknown>

type AvroObject = Readonly<Record<string, unknown>>

const NAMED = ['record', 'error', 'enum', 'fixed']

/** A schema that stands alone: where a name of `named` is used first, its schema is put in its place. Throws an Error where that has no end. */
export function inlined(schema: unknown, named: Named): unknown {
  return named.size === 0 ? schema : new Inlining(named).of(schema, '')
}

/** Values of a schema that stands alone: where unions refer to unions, they may double with each step. */
const VALUES_MAX = 100_000

class Inlining {
  readonly #named: Named
  readonly #defined = new Set<string>()
  #values = 0

  constructor(named: Named) {
    this.#named = named
  }

  of(schema: unknown, namespace: string): unknown {
    if (++this.#values > VALUES_MAX)
      throw new RangeError(`what it refers to makes more than ${VALUES_MAX} values of it`)
    if (typeof schema === 'string') return this.#name(schema, namespace)
    if (Array.isArray(schema)) return schema.map((branch) => this.of(branch, namespace))
    if (typeof schema !== 'object' || schema === null) return schema
    const { type, items, values } = schema as AvroObject
    if (NAMED.includes(type as string)) return this.#definition(schema as AvroObject, namespace)
    if (type === 'array') return { ...schema, items: this.of(items, namespace) }
    if (type === 'map') return { ...schema, values: this.of(values, namespace) }
    return { ...schema, type: this.of(type, namespace) }
  }

  /** A name is looked for in its namespace first. */
  #name(name: string, namespace: string): unknown {
    const whole = fullName(name, namespace)
    const found = this.#named.has(whole) ? whole : name
    if (!this.#named.has(found)) return name
    return this.#defined.has(found) ? found : this.of(this.#named.get(found), '')
  }

  /** With its full name: it may stand in another namespace now. */
  #definition(schema: AvroObject, around: string): unknown {
    const { name, namespace, fields, ...rest } = schema
    const whole = fullName(String(name), typeof namespace === 'string' ? namespace : around)
    this.#defined.add(whole)
    const cut = whole.lastIndexOf('.')
    const own = whole.slice(0, Math.max(0, cut))
    const inner = (fields as AvroObject[] | undefined)?.map((field) => ({ ...field, type: this.of(field.type, own) }))
    return { ...rest, name: whole.slice(cut + 1), namespace: own, ...(inner && { fields: inner }) }
  }
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
}
