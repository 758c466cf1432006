import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { type DecimalParts, decimalFromNumber, decimalFromText, decimalToBytes } from '../../kit/decimal.ts'
import { bare, own } from '../../kit/own.ts'
import { packagePath } from '../../kit/package-path.ts'
import type { AlertRecord, Cell, RankedItem, RankingRecord } from '../../model/output.ts'
import type { Stream } from '../../model/stream.ts'
import type { Schemas } from './schemas.ts'
import { wireHeader } from './wire.ts'

/** The schema that ships under `schemas/`, parsed. */
export function shippedSchema(name: 'transaction' | 'behavior' | 'alert' | 'ranking'): unknown {
  return JSON.parse(readFileSync(packagePath(`schemas/${name}.avsc`), 'utf8'))
}

/** Writes values of one schema in the wire format. Throws on a value that the schema does not allow. */
export class RecordEncoder {
  readonly #type: avsc.Type
  readonly #header: Buffer

  /** `schemaId` 0: there is no registry. */
  constructor(avro: unknown, schemaId: number) {
    this.#type = avsc.Type.forSchema(avro as avsc.Schema)
    this.#header = wireHeader(schemaId)
  }

  encode(value: object): Buffer {
    return Buffer.concat([this.#header, this.#type.toBuffer(value)])
  }
}

/** Schema ids of what the engine writes, by output; 0 where there is no registry. */
export interface OutputSchemaIds {
  readonly alerts: number
  readonly shadow: number
  readonly rankings: number
}

/** Writes what the engine makes. Alerts of shadow rules have a topic, and so a schema id, of their own. */
export class OutputEncoder {
  readonly #alerts: RecordEncoder
  readonly #shadow: RecordEncoder
  readonly #rankings: RecordEncoder

  constructor({ alerts, shadow, rankings }: OutputSchemaIds = { alerts: 0, shadow: 0, rankings: 0 }) {
    this.#alerts = new RecordEncoder(shippedSchema('alert'), alerts)
    this.#shadow = new RecordEncoder(shippedSchema('alert'), shadow)
    this.#rankings = new RecordEncoder(shippedSchema('ranking'), rankings)
  }

  /** With the shipped schemas registered for `topics`. */
  static async registered(
    schemas: Schemas,
    topics: Readonly<Record<keyof OutputSchemaIds, string>>,
  ): Promise<OutputEncoder> {
    const alert = shippedSchema('alert')
    return new OutputEncoder({
      alerts: await schemas.register(topics.alerts, alert),
      shadow: await schemas.register(topics.shadow, alert),
      rankings: await schemas.register(topics.rankings, shippedSchema('ranking')),
    })
  }

  encodeAlert(alert: AlertRecord): Buffer {
    return (alert.mode === 'shadow' ? this.#shadow : this.#alerts).encode(alert)
  }

  encodeRanking(ranking: RankingRecord): Buffer {
    return this.#rankings.encode({ ...ranking, items: ranking.items.map(withColumns) })
  }
}

/** Columns stand in a map of their own: null where a ranking has none. */
function withColumns({ id, score, rank, previous_rank, ...columns }: RankedItem): object {
  return { id, score, rank, previous_rank, columns: Object.keys(columns).length === 0 ? null : columns }
}

/** Field values by name, as in `blockFromRows`: the time in epoch ms, decimals as numbers or text. */
export type EventRow = Readonly<Record<string, Cell | undefined>>

/** Writes events of one stream, for the traffic generator and tests. */
export class EventEncoder {
  readonly #stream: Stream
  readonly #encoder: RecordEncoder

  constructor(stream: Stream, schemaId = 0) {
    this.#stream = stream
    this.#encoder = new RecordEncoder(stream.avro, schemaId)
  }

  /** Throws on a value that the schema does not allow, and on a field that lacks both value and default. */
  encodeEvent(row: EventRow): Buffer {
    const value = bare<unknown>()
    for (const { name, kind, scale } of this.#stream.fields) {
      const cell = own(row, name)
      if (name === this.#stream.timeField) value[name] = timeAs(this.#stream.timeFormat, cell as number)
      else if (cell !== null && cell !== undefined && kind === 'decimal')
        value[name] = decimalBytes(cell as number | string, scale, name)
      else value[name] = cell
    }
    return this.#encoder.encode(value)
  }
}

function timeAs(format: Stream['timeFormat'], timeMs: number): number | string {
  switch (format) {
    case 'iso':
      return new Date(timeMs).toISOString()
    case 's':
      return Math.floor(timeMs / 1_000)
    case 'us':
      return timeMs * 1_000
    case 'ms':
      return timeMs
    default:
      throw new Error('times in nanoseconds or in a pattern are not written')
  }
}

const parts: DecimalParts = { high: 0, low: 0 }

function decimalBytes(value: number | string, scale: number, name: string): Buffer {
  const result =
    typeof value === 'number' ? decimalFromNumber(value, scale, parts) : decimalFromText(value, scale, parts)
  if (result !== 'ok') throw new Error(`${name}: not a decimal that fits: ${value}`)
  const bytes = Buffer.alloc(8)
  return bytes.subarray(0, decimalToBytes(parts.high, parts.low, bytes, 0))
}
