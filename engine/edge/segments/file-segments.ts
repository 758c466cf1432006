import { closeSync, mkdirSync, openSync, read, readSync, rmSync, writev, writevSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { EngineError } from '../../model/errors.ts'
import type { Segments } from '../../state/segments.ts'

const PER_FILE = 256
const MAGIC = 0x4c57_5347 // "LWSG"
const HEAD_BYTES = 16
const UNWRITTEN_BYTES_MAX = 64 << 20
const AHEAD_MAX = 64

interface Place {
  readonly file: number
  readonly at: number
  readonly length: number
  readonly crc: number
}

interface OpenFile {
  readonly fd: number
  end: number
}

/** What happened to segments that the task cannot see. */
export interface SegmentCounts {
  written: number
  writtenBytes: number
  read: number
  /** Reads that the task had to wait for. */
  readsAwaited: number
  /** Writes that the task had to wait for, too many being under way. */
  writesAwaited: number
  /** They stay in memory and are tried again. */
  writesFailed: number
}

/**
 * Segments in files of 256, in a folder of their own that is emptied first.
 *
 * File    one record after the other: magic, number, length, CRC-32 (4 bytes each, little-endian), bytes
 * Write   behind the task's back; until it is done, the bytes are read from memory. With 64 MiB under way it is awaited.
 *         A failed write (a full disk) leaves them in memory and is tried again with the next segment.
 * Read    `ahead` reads behind the task's back; a read that nobody asked for in time is awaited
 */
export class FileSegments implements Segments {
  readonly inMemoryMax: number
  readonly counts: SegmentCounts = {
    written: 0,
    writtenBytes: 0,
    read: 0,
    readsAwaited: 0,
    writesAwaited: 0,
    writesFailed: 0,
  }
  readonly #folder: string
  readonly #files = new Map<number, OpenFile>()
  readonly #places = new Map<number, Place>()
  readonly #unwritten = new Map<number, Uint8Array>()
  #unwrittenBytes = 0
  readonly #ahead = new Map<number, Uint8Array>()
  readonly #reading = new Set<number>()
  /** Number of the one under way; -1 = none. */
  #writing = -1
  #firstFile = 0
  /** Descriptors to be closed when the write under way is done: until then they must not come to mean another file. */
  readonly #closing: number[] = []

  constructor(folder: string, inMemoryMax: number) {
    this.#folder = folder
    this.inMemoryMax = inMemoryMax
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }

  write(number: number, bytes: Uint8Array): void {
    this.#unwritten.set(number, bytes)
    this.#unwrittenBytes += bytes.length
    if (this.#unwrittenBytes > UNWRITTEN_BYTES_MAX) this.#writeNow()
    else this.#writeNext()
  }

  read(number: number): Uint8Array {
    this.counts.read++
    const bytes = this.#unwritten.get(number) ?? this.#ahead.get(number)
    if (bytes) {
      this.#ahead.delete(number)
      return bytes
    }
    this.counts.readsAwaited++
    return this.#readNow(number)
  }

  copy(number: number): Uint8Array {
    return this.#unwritten.get(number) ?? this.#ahead.get(number) ?? this.#readNow(number)
  }

  ahead(number: number): void {
    const place = this.#places.get(number)
    const open = place && this.#files.get(place.file)
    if (!place || !open || this.#ahead.has(number) || this.#reading.has(number)) return
    if (this.#ahead.size + this.#reading.size >= AHEAD_MAX) return
    this.#reading.add(number)
    const bytes = new Uint8Array(place.length)
    read(open.fd, bytes, 0, place.length, place.at, (error, length) => {
      this.#reading.delete(number)
      // what went wrong here is said when the task reads it
      if (!error && length === place.length && crc32(bytes) === place.crc) this.#ahead.set(number, bytes)
    })
  }

  drop(number: number): void {
    for (; (this.#firstFile + 1) * PER_FILE <= number; this.#firstFile++) {
      const first = this.#firstFile * PER_FILE
      for (let n = first; n < first + PER_FILE; n++) {
        this.#places.delete(n)
        this.#ahead.delete(n)
        this.#settle(n)
      }
      this.#closeFile(this.#firstFile)
      rmSync(this.#path(this.#firstFile), { force: true })
    }
  }

  close(): void {
    this.#unwritten.clear()
    for (const file of [...this.#files.keys()]) this.#closeFile(file)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Writes the oldest of the unwritten ones, and goes on until there is none. */
  #writeNext(): void {
    if (this.#writing >= 0) return
    const [next] = this.#unwritten
    if (!next) return
    const [number, bytes] = next
    const { place, open, head } = this.#place(number, bytes)
    this.#writing = number
    writev(open.fd, [head, bytes], place.at - HEAD_BYTES, (error, length) => {
      this.#writing = -1
      for (const fd of this.#closing.splice(0)) closeSync(fd)
      if (error || length !== HEAD_BYTES + bytes.length) {
        this.counts.writesFailed++
        return
      }
      this.#written(number, place)
      this.#writeNext()
    })
  }

  #writeNow(): void {
    for (const [number, bytes] of [...this.#unwritten]) {
      if (number === this.#writing) continue
      const { place, open, head } = this.#place(number, bytes)
      this.counts.writesAwaited++
      try {
        if (writevSync(open.fd, [head, bytes], place.at - HEAD_BYTES) !== HEAD_BYTES + bytes.length)
          throw new Error('short')
      } catch {
        this.counts.writesFailed++
        return
      }
      this.#written(number, place)
    }
  }

  #place(number: number, bytes: Uint8Array): { place: Place; open: OpenFile; head: Uint8Array } {
    const file = Math.floor(number / PER_FILE)
    let open = this.#files.get(file)
    if (!open) {
      open = { fd: openSync(this.#path(file), 'w+'), end: 0 }
      this.#files.set(file, open)
    }
    const place = { file, at: open.end + HEAD_BYTES, length: bytes.length, crc: crc32(bytes) }
    open.end = place.at + place.length
    const head = new Uint8Array(HEAD_BYTES)
    const view = new DataView(head.buffer)
    for (const [i, value] of [MAGIC, number, place.length, place.crc].entries()) view.setUint32(i * 4, value, true)
    return { place, open, head }
  }

  #written(number: number, place: Place): void {
    if (!this.#unwritten.has(number)) return
    this.#settle(number)
    this.#places.set(number, place)
    this.counts.written++
    this.counts.writtenBytes += HEAD_BYTES + place.length
  }

  #settle(number: number): void {
    const bytes = this.#unwritten.get(number)
    if (!bytes) return
    this.#unwritten.delete(number)
    this.#unwrittenBytes -= bytes.length
  }

  #readNow(number: number): Uint8Array {
    const place = this.#places.get(number)
    const open = place && this.#files.get(place.file)
    if (!place || !open) throw new EngineError('STATE_CORRUPT', `no segment ${number} in ${this.#folder}`)
    const bytes = new Uint8Array(place.length)
    const length = readSync(open.fd, bytes, 0, place.length, place.at)
    if (length !== place.length || crc32(bytes) !== place.crc) {
      throw new EngineError('STATE_CORRUPT', `${this.#path(place.file)} is not what was written: segment ${number}`)
    }
    return bytes
  }

  #closeFile(file: number): void {
    const open = this.#files.get(file)
    if (!open) return
    this.#files.delete(file)
    if (this.#writing >= 0) this.#closing.push(open.fd)
    else closeSync(open.fd)
  }

  #path(file: number): string {
    return join(this.#folder, `${file}.segments`)
  }
}
