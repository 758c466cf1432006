import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { DATA_FILE_MODE, makeDataFolder } from '../../../kit/make-folder.ts'
import type { Batch } from '../../../model/block.ts'
import { decodeEntry, ENTRY_HEADER_BYTES, encodeEntry, entrySize } from '../../../model/block-codec.ts'
import { EngineError } from '../../../model/errors.ts'
import type { Stream } from '../../../model/stream.ts'
import type { LateSince } from '../ahead-guard.ts'
import type { UnknownField } from '../unknown-fields.ts'

/*
 * A file of batches, little-endian: u32 "LPWC", u32 version; the key as JSON; batches (model/block-codec.ts); the notes as JSON; u32 size and
 * u32 CRC-32 of the notes, u32 size and u32 CRC-32 of the key, u32 "LPWC" and u32 version once more. All begin at
 * multiples of 8, JSON is filled up with blanks. Who breaks off while writing leaves no end, and no file of that name.
 */
const MAGIC = 0x4357504c
const VERSION = 4
const HEAD_BYTES = 8
const TAIL_BYTES = 24

/** What is told of an input beside its events. */
export interface Notes {
  readonly malformed: readonly (readonly [line: number, reason: string])[]
  readonly ahead: readonly (readonly [line: number, timeMs: number])[]
  readonly late: LateSince | null
  readonly unknownFields: readonly UnknownField[]
}

/** Under another name until `finish`. Every method throws what the file system says. */
export class CacheWriter {
  readonly #path: string
  readonly #unfinished: string
  readonly #key: Buffer
  readonly #streams: readonly Stream[]
  readonly #file: number

  constructor(path: string, key: object, streams: readonly Stream[]) {
    this.#path = path
    this.#unfinished = `${path}.${process.pid}`
    this.#key = json(key)
    this.#streams = streams
    makeDataFolder(dirname(path))
    this.#file = openSync(this.#unfinished, 'w', DATA_FILE_MODE)
    this.#write(words(MAGIC, VERSION))
    this.#write(this.#key)
  }

  add(batch: Batch): void {
    const bytes = encodeEntry(batch, this.#streams)
    this.#write(bytes)
    this.#write(new Uint8Array(padded(bytes.length) - bytes.length))
  }

  finish(notes: Notes): void {
    const end = json(notes)
    this.#write(end)
    this.#write(words(end.length, crc32(end), this.#key.length, crc32(this.#key), MAGIC, VERSION))
    closeSync(this.#file)
    renameSync(this.#unfinished, this.#path)
  }

  /** As if it had never been begun. */
  abandon(): void {
    closeSync(this.#file)
    rmSync(this.#unfinished, { force: true })
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at)
  }
}

export class CacheReader {
  readonly key: unknown
  readonly notes: Notes
  readonly #file: number
  readonly #streams: readonly Stream[]
  #at: number
  readonly #end: number

  /** EngineError STATE_CORRUPT where it is no whole cache of this version. */
  constructor(path: string, streams: readonly Stream[]) {
    this.#file = openSync(path, 'r')
    this.#streams = streams
    try {
      const { size } = fstatSync(this.#file)
      if (size < HEAD_BYTES + TAIL_BYTES) throw corrupt(`${size} bytes`)
      const tail = wordsIn(this.#read(size - TAIL_BYTES, TAIL_BYTES))
      const [notesSize, notesCrc, keySize, keyCrc, magic, version] = tail as [number, number, number, number, number, number] // biome-ignore format: one line
      if (magic !== MAGIC) throw corrupt('it has no end')
      if (version !== VERSION) throw corrupt(`version ${version}, this engine reads ${VERSION}`)
      this.#at = HEAD_BYTES + keySize
      this.#end = size - TAIL_BYTES - notesSize
      if (this.#at > this.#end) throw corrupt('sizes')
      this.key = checked(this.#read(HEAD_BYTES, keySize), keyCrc)
      this.notes = notesIn(checked(this.#read(this.#end, notesSize), notesCrc))
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  /** Null at the end. EngineError STATE_CORRUPT. */
  next(): Batch | null {
    if (this.#at === this.#end) return null
    const size = this.#at + ENTRY_HEADER_BYTES > this.#end ? null : entrySize(this.#read(this.#at, ENTRY_HEADER_BYTES))
    if (size === null || this.#at + size > this.#end) throw corrupt('a batch')
    const entry = decodeEntry(this.#read(this.#at, size), this.#streams)
    if (entry.kind !== 'batch') throw corrupt(`a ${entry.kind}`)
    this.#at += padded(size)
    return entry
  }

  /** How much of it was read. */
  get share(): number {
    return this.#end === 0 ? 1 : this.#at / this.#end
  }

  close(): void {
    closeSync(this.#file)
  }

  /** In memory of its own. */
  #read(from: number, size: number): Uint8Array {
    const bytes = new Uint8Array(size)
    for (let at = 0; at < size; ) {
      const read = readSync(this.#file, bytes, at, size - at, from + at)
      if (read === 0) throw corrupt('it ends too early')
      at += read
    }
    return bytes
  }
}

function padded(size: number): number {
  return (size + 7) & ~7
}

function json(value: object): Buffer {
  const bytes = Buffer.from(JSON.stringify(value))
  return Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8, ' ')])
}

function checked(bytes: Uint8Array, crc: number): unknown {
  if (crc32(bytes) !== crc) throw corrupt('checksum')
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    throw corrupt('its JSON')
  }
}

const line = z.number()
const notesShape = z.object({
  malformed: z.array(z.tuple([line, z.string()])),
  ahead: z.array(z.tuple([line, z.number()])),
  late: z.object({ line, timeMs: z.number(), events: z.number() }).nullable(),
  unknownFields: z.array(
    z.object({
      stream: z.string(),
      name: z.string().nullable(),
      meant: z.string().nullable(),
      line,
      values: z.number(),
    }),
  ),
})

function notesIn(json: unknown): Notes {
  const { data } = notesShape.safeParse(json)
  if (!data) throw corrupt('its notes')
  return data
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true)
  return bytes
}

function wordsIn(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer)
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true))
}

function corrupt(what: string): EngineError {
  return new EngineError('STATE_CORRUPT', what)
}
