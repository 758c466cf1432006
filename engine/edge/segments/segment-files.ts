import { closeSync, openSync, readSync, rmSync, writevSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { DATA_FILE_MODE, makeDataFolder } from '../../kit/make-folder.ts'
import { EngineError } from '../../model/errors.ts'

export const SEGMENTS_PER_FILE = 256
const MAGIC = 0x4c57_5347 // "LWSG"
const HEAD_BYTES = 16

/** Where a segment's bytes stand, and their CRC-32. */
export interface Place {
  readonly file: number
  readonly at: number
  readonly length: number
  readonly crc: number
}

interface OpenFile {
  readonly fd: number
  end: number
}

/**
 * Segments in files of 256, in a folder of their own.
 *
 * File    one record after the other: magic, number, length, CRC-32 (4 bytes each, little-endian), bytes
 */
export class SegmentFiles {
  readonly #folder: string
  readonly #open = new Map<number, OpenFile>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Throws what the file system throws; then nothing is written. */
  write(number: number, bytes: Uint8Array): Place {
    const file = Math.floor(number / SEGMENTS_PER_FILE)
    let open = this.#open.get(file)
    if (!open) {
      makeDataFolder(this.#folder)
      open = { fd: openSync(pathOf(this.#folder, file), 'w+', DATA_FILE_MODE), end: 0 }
      this.#open.set(file, open)
    }
    const place = { file, at: open.end + HEAD_BYTES, length: bytes.length, crc: crc32(bytes) }
    const head = new Uint8Array(HEAD_BYTES)
    const view = new DataView(head.buffer)
    for (const [i, value] of [MAGIC, number, place.length, place.crc].entries()) view.setUint32(i * 4, value, true)
    const written = writevSync(open.fd, [head, bytes], open.end)
    if (written !== HEAD_BYTES + bytes.length) throw new Error(`${written} bytes were written`)
    open.end += written
    return place
  }

  read(number: number, place: Place): Uint8Array {
    const path = pathOf(this.#folder, place.file)
    return readAt(this.#open.get(place.file)?.fd ?? -1, path, number, place)
  }

  remove(file: number): void {
    this.#close(file)
    rmSync(pathOf(this.#folder, file), { force: true })
  }

  close(): void {
    for (const file of [...this.#open.keys()]) this.#close(file)
  }

  #close(file: number): void {
    const open = this.#open.get(file)
    if (open) closeSync(open.fd)
    this.#open.delete(file)
  }
}

/** Reads a segment that another thread has written. */
export function readSegment(folder: string, number: number, place: Place): Uint8Array {
  const path = pathOf(folder, place.file)
  const fd = openSync(path, 'r')
  try {
    return readAt(fd, path, number, place)
  } finally {
    closeSync(fd)
  }
}

function readAt(fd: number, path: string, number: number, place: Place): Uint8Array {
  const bytes = new Uint8Array(place.length)
  const length = readSync(fd, bytes, 0, place.length, place.at)
  if (length === place.length && crc32(bytes) === place.crc) return bytes
  throw new EngineError('STATE_CORRUPT', `${path} is not what was written: segment ${number}`)
}

function pathOf(folder: string, file: number): string {
  return join(folder, `${file}.segments`)
}
