import { EngineError } from '../../../model/errors.ts'
import type { Broker } from './cluster.ts'

/*
 * Requests of our own over kafkajs's connections, and the parts of Kafka's wire protocol that they are made of. Numbers are
 * big-endian. A flexible request has a byte of tags (none) behind its header; so has its answer.
 */

const LOST: readonly string[] = ['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError']

export interface RequestName {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
}

/** As kafkajs's own encoder shows it to what sends it. */
export interface Encoded {
  readonly buf: Buffer
  readonly buffer: Buffer
}

export function speaks(broker: Broker, apiKey: number, version: number): boolean {
  const { minVersion, maxVersion } = broker.versions[apiKey] ?? { minVersion: 0, maxVersion: -1 }
  return minVersion <= version && version <= maxVersion
}

/** Errors: kafkajs's own; LOG_BUSY for a broker that does not speak the version or sends an answer that is none. */
export async function send<T>(
  broker: Broker,
  name: RequestName,
  { encode, decode }: { encode: () => Encoded; decode: (bytes: Buffer) => T },
): Promise<T> {
  const { apiKey, apiVersion, apiName } = name
  if (!speaks(broker, apiKey, apiVersion)) {
    const { minVersion, maxVersion } = broker.versions[apiKey] ?? { minVersion: 'no', maxVersion: 'version' }
    throw new EngineError('LOG_BUSY', `the broker speaks ${apiName} ${minVersion} to ${maxVersion}, not ${apiVersion}`)
  }
  try {
    return (await broker.connectionPool.send({
      request: { ...name, encode: async () => encode() },
      response: { decode: async (bytes: Buffer) => decode(bytes), parse: async (answer: T) => answer },
    })) as T
  } catch (error) {
    if (LOST.includes((error as Error).name)) await broker.disconnect() // as kafkajs does; else it goes on with a dead socket
    throw error
  }
}

/** Neighbours of one topic together: the broker serves them in this order. */
export function byTopic<P extends { readonly topic: string }>(parts: readonly P[]): P[][] {
  const groups: P[][] = []
  for (const part of parts) {
    const last = groups.at(-1)
    if (last && last[0].topic === part.topic) last.push(part)
    else groups.push([part])
  }
  return groups
}

/** What a flexible request is written with. */
export class Writer {
  readonly #pieces: Buffer[] = []

  finish(): Encoded {
    const buffer = Buffer.concat(this.#pieces)
    return { buf: buffer, buffer }
  }

  int8(value: number): this {
    return this.#add(1, (bytes) => bytes.writeInt8(value))
  }

  int32(value: number): this {
    return this.#add(4, (bytes) => bytes.writeInt32BE(value))
  }

  int64(value: number): this {
    return this.#add(8, (bytes) => bytes.writeBigInt64BE(BigInt(value)))
  }

  /** Of a compact array: its items follow. */
  count(items: number): this {
    let rest = items + 1
    for (; rest > 127; rest >>>= 7) this.#byte((rest & 127) | 128)
    return this.#byte(rest)
  }

  text(value: string): this {
    const bytes = Buffer.from(value)
    this.count(bytes.length)
    this.#pieces.push(bytes)
    return this
  }

  /** Hexadecimal; empty = none. */
  uuid(id: string): this {
    this.#pieces.push(Buffer.from(id.padStart(32, '0'), 'hex'))
    return this
  }

  noTags(): this {
    return this.#byte(0)
  }

  #byte(value: number): this {
    return this.#add(1, (bytes) => bytes.writeUInt8(value))
  }

  #add(size: number, write: (bytes: Buffer) => void): this {
    const bytes = Buffer.alloc(size)
    write(bytes)
    this.#pieces.push(bytes)
    return this
  }
}

/** EngineError LOG_BUSY where the answer ends too early. */
export class Reader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  int8(): number {
    return this.#bytes.readInt8(this.#move(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#move(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4))
  }

  int64(): number {
    return this.int32() * 2 ** 32 + (this.int32() >>> 0)
  }

  /** Of an array: null is empty. Whatever it says, an item takes bytes, so the end comes first. */
  count(): number {
    return Math.max(0, this.int32())
  }

  text(): string {
    return this.bytes(this.int16()).toString()
  }

  /** The same of a flexible answer. */
  compactCount(): number {
    return Math.max(0, this.#varint() - 1)
  }

  compactText(): string {
    return this.bytes(this.compactCount()).toString()
  }

  uuid(): string {
    return this.bytes(16).toString('hex')
  }

  skipTags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint()
      this.bytes(this.#varint())
    }
  }

  bytes(length: number): Buffer {
    const size = Math.max(0, length)
    const from = this.#move(size)
    return this.#bytes.subarray(from, from + size)
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#move(1)]
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  #move(size: number): number {
    const from = this.#at
    this.#at += size
    if (this.#at > this.#bytes.length)
      throw new EngineError('LOG_BUSY', `the broker sent ${this.#what} that is cut short`)
    return from
  }
}
