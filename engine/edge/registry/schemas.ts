import { EngineError } from '../../model/errors.ts'

/** Where schemas are kept by number. Both calls throw EngineError REGISTRY_UNREACHABLE when nobody answers. */
export interface Schemas {
  /** The Avro schema of that id, parsed; null when there is no such schema, or it is not Avro, or refers to others. */
  byId(id: number, topic: string): Promise<unknown | null>
  /** Id of `avro` as the value schema of `topic`, registered if it is new. */
  register(topic: string, avro: unknown): Promise<number>
}

const REQUEST_MS_MAX = 5_000
/** How long "there is no such id" is believed: it may be registered later. */
const MISSING_MS = 60_000
const MISSING_MAX = 10_000

type Client = import('@confluentinc/schemaregistry/dist/schemaregistry-client.js').Client

/**
 * A Confluent schema registry (or one with the same API) over HTTP. Schemas stay in memory for ever: an id never changes
 * its meaning. The client package is loaded at the first call; only its REST part, 0.3 s.
 */
export class ConfluentSchemas implements Schemas {
  readonly #url: string
  #client: Promise<Client> | null = null
  /** Id -> when it may be asked for again, in ms of the machine's clock. */
  readonly #missing = new Map<number, number>()

  constructor(url: string) {
    this.#url = url
  }

  async byId(id: number, topic: string): Promise<unknown | null> {
    if ((this.#missing.get(id) ?? 0) > Date.now()) return null
    const client = await this.#connect()
    try {
      const info = await client.getBySubjectAndId(subjectOf(topic), id)
      const isAvro = info.schemaType === undefined || info.schemaType === 'AVRO'
      return isAvro && !info.references?.length ? JSON.parse(info.schema) : null
    } catch (error) {
      if (statusOf(error) !== 404) throw this.#unreachable(error)
      if (this.#missing.size >= MISSING_MAX) this.#missing.clear()
      this.#missing.set(id, Date.now() + MISSING_MS)
      return null
    }
  }

  async register(topic: string, avro: unknown): Promise<number> {
    const client = await this.#connect()
    try {
      return await client.register(subjectOf(topic), { schemaType: 'AVRO', schema: JSON.stringify(avro) }, false)
    } catch (error) {
      const refused = statusOf(error) === 409 || statusOf(error) === 422
      if (!refused) throw this.#unreachable(error)
      const message = `${this.#url} refuses the schema for ${topic}: ${(error as Error).message}`
      throw new EngineError('CONFIG_INVALID', message, error)
    }
  }

  #connect(): Promise<Client> {
    this.#client ??= import('@confluentinc/schemaregistry/dist/schemaregistry-client.js').then(
      ({ SchemaRegistryClient }) =>
        new SchemaRegistryClient({
          baseURLs: [this.#url],
          maxRetries: 0, // whoever calls tries again, and can be stopped
          createAxiosDefaults: { timeout: REQUEST_MS_MAX },
        }),
    )
    return this.#client
  }

  #unreachable(error: unknown): EngineError {
    const status = statusOf(error)
    const what =
      status === undefined ? (error as Error).message || String((error as { code?: unknown }).code) : `HTTP ${status}`
    return new EngineError('REGISTRY_UNREACHABLE', `schema registry ${this.#url}: ${what}`, error)
  }
}

function subjectOf(topic: string): string {
  return `${topic}-value`
}

function statusOf(error: unknown): number | undefined {
  return (error as { status?: number }).status
}
