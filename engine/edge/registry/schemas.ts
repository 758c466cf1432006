import { EngineError } from '../../model/errors.ts'
import { inlined, type Named } from './references.ts'
import { type Answer, type RegistryConnection, RegistryRest } from './rest.ts'

/** The registry has a schema of that id, and no record of it can be read: why. */
export class SchemaUnusable extends Error {}

/** Where schemas are kept by number. Both calls throw EngineError REGISTRY_UNREACHABLE when nobody answers. */
export interface Schemas {
  /**
   * The Avro schema of that id, parsed, what it refers to put in; null when there is no such schema, or it is not Avro.
   * SchemaUnusable where one that it refers to is not there.
   */
  byId(id: number, topic: string): Promise<unknown | null>
  /** Id of `avro` as the value schema of `topic`, registered if it is new. */
  register(topic: string, avro: unknown): Promise<number>
}

/** The schema of an id, or why records of that id cannot be read. Rejects while the registry does not answer. */
export async function schemaOr(
  schemas: Schemas,
  id: number,
  topic: string,
): Promise<{ readonly schema: unknown } | { readonly why: string }> {
  try {
    const schema = await schemas.byId(id, topic)
    return schema === null ? { why: `schema id ${id}` } : { schema }
  } catch (error) {
    if (error instanceof SchemaUnusable) return { why: `schema id ${id}: ${error.message}` }
    throw error
  }
}

/** How long "there is no such id" is believed: it may be registered later. */
const MISSING_MS = 60_000
const MISSING_MAX = 10_000
/** Of one schema, those of those included. */
const REFERENCES_MAX = 200

const UNKNOWN_SUBJECT = 40_401

/**
 * A Confluent schema registry (or one with the same API) over HTTP. Schemas stay in memory for ever: an id never changes
 * its meaning. Whatever a subject is named after (topic, record, both): the id finds its schema.
 */
export class ConfluentSchemas implements Schemas {
  readonly #rest: Pick<RegistryRest, 'url' | 'ask'>
  /** Asked for, by id; those that fail are forgotten. */
  readonly #known = new Map<number, Promise<unknown | null>>()
  readonly #missing = new Map<number, Missing>()

  constructor(
    registry: string | RegistryConnection,
    rest: Pick<RegistryRest, 'url' | 'ask'> = new RegistryRest(registry),
  ) {
    this.#rest = rest
  }

  async byId(id: number, topic: string): Promise<unknown | null> {
    const missing = this.#missing.get(id)
    if (missing && missing.untilMs > Date.now()) return absent(missing.why)
    let asked = this.#known.get(id)
    if (!asked) {
      asked = this.#fetch(id, topic)
      this.#known.set(id, asked)
    }
    try {
      const schema = await asked
      if (schema === null) this.#forget(id, null)
      return schema
    } catch (error) {
      this.#known.delete(id)
      if (error instanceof SchemaUnusable) this.#forget(id, error.message)
      throw error
    }
  }

  async register(topic: string, avro: unknown): Promise<number> {
    const body = { schemaType: 'AVRO', schema: JSON.stringify(avro) }
    const answer = await this.#rest.ask('POST', `subjects/${encodeURIComponent(subjectOf(topic))}/versions`, body)
    if (answer.status < 300 && typeof answer.body.id === 'number') return answer.body.id
    const said = answer.body.message ?? `HTTP ${answer.status}`
    throw new EngineError('CONFIG_INVALID', `${this.#rest.url} refuses the schema for ${topic}: ${said}`)
  }

  async #fetch(id: number, topic: string): Promise<unknown | null> {
    let answer = await this.#rest.ask('GET', `schemas/ids/${id}?subject=${encodeURIComponent(subjectOf(topic))}`)
    // some look under that subject only
    if (answer.body.error_code === UNKNOWN_SUBJECT) answer = await this.#rest.ask('GET', `schemas/ids/${id}`)
    const { status, body } = answer
    if (status >= 300 || (body.schemaType !== undefined && body.schemaType !== 'AVRO')) return null
    const named: Named = new Map()
    try {
      await this.#gather(body, named)
      return inlined(parsed(body.schema), named)
    } catch (error) {
      if (error instanceof EngineError || error instanceof SchemaUnusable) throw error
      throw new SchemaUnusable(`it, or what it refers to, is no schema: ${(error as Error).message}`)
    }
  }

  /** What a schema refers to, and what that refers to. */
  async #gather({ references }: Answer['body'], named: Named): Promise<void> {
    if (!Array.isArray(references)) return
    for (const { name, subject, version } of references as { name: string; subject: string; version: number }[]) {
      if (named.has(name)) continue
      const { status, body } = await this.#rest.ask(
        'GET',
        `subjects/${encodeURIComponent(subject)}/versions/${version}`,
      )
      if (status >= 300)
        throw new SchemaUnusable(`it refers to "${name}", version ${version} of "${subject}", which is not there`)
      if (named.size >= REFERENCES_MAX) throw new SchemaUnusable(`it refers to more than ${REFERENCES_MAX} schemas`)
      named.set(name, parsed(body.schema))
      await this.#gather(body, named)
    }
  }

  #forget(id: number, why: string | null): void {
    this.#known.delete(id)
    if (this.#missing.size >= MISSING_MAX) this.#missing.clear()
    this.#missing.set(id, { untilMs: Date.now() + MISSING_MS, why })
  }
}

/** When an id may be asked for again, in ms of the machine's clock, and why it is of no use; null: it is not there. */
interface Missing {
  readonly untilMs: number
  readonly why: string | null
}

function absent(why: string | null): null {
  if (why === null) return null
  throw new SchemaUnusable(why)
}

function parsed(schema: unknown): unknown {
  try {
    return JSON.parse(String(schema)) as unknown
  } catch {
    throw new SchemaUnusable('its text is no JSON')
  }
}

function subjectOf(topic: string): string {
  return `${topic}-value`
}
