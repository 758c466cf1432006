import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { SnapshotRefused } from '../../model/errors.ts'
import type { SnapshotPiece, SnapshotSource, SnapshotStore, StoredSnapshot } from '../../model/ports.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { decodeManifest, encodeManifest, type Manifest, type Place } from './manifest.ts'

const MANIFEST = /^snapshot-\d+\.manifest$/
const UNFINISHED = '.tmp'
const OURS = /^(?:snapshot-(\d+)\.manifest(?:\.tmp)?|pages-(\d+)\.data)$/
/** Copied, and written, at a time: well below 10 ms of the task's time. */
const STEP_BYTES = 1 << 20
/** Places of pieces looked at in a step. */
const PLACES_A_STEP = 1_024

/** A snapshot that this process has written or read to its end. */
interface Good {
  readonly name: string
  readonly manifest: Manifest
  /** Data files that its pieces stand in. */
  readonly files: ReadonlySet<string>
}

export interface Saved {
  readonly full: boolean
  /** Pieces and bytes written, the manifest included. */
  readonly pieces: number
  readonly bytes: number
}

/**
 * The snapshots of one task in a folder: data files that pieces are only ever appended to, and for each snapshot a
 * manifest that says where the newest bytes of each piece stand.
 *
 * Order    pieces, fsync, manifest beside its place, fsync, rename, fsync of the folder, then what nobody needs goes: a
 *          crash at any point leaves the snapshot before
 * Keeps    the last two good ones; a full snapshot begins a new data file, and one is wanted (`wantsFull`) at the start,
 *          after a failure, and when more than half of the file is of no use any more. At most some five times the state
 */
export class FolderSnapshots implements SnapshotStore {
  readonly #folder: string
  readonly #logId: string
  readonly #disk: Disk
  #good: readonly Good[] = []
  /** The data file that is appended to, and its length. */
  #file: string | null = null
  #fileBytes = 0
  #liveBytes = 0

  constructor(folder: string, logId: string, disk: Disk = nodeDisk) {
    this.#folder = folder
    this.#logId = logId
    this.#disk = disk
  }

  async candidates(
    committed: number,
    refused: (refusal: SnapshotRefused, name: string) => void,
  ): Promise<readonly StoredSnapshot[]> {
    const found: StoredSnapshot[] = []
    for (const name of this.#manifests(refused).toReversed()) {
      try {
        const manifest = this.#readManifest(name)
        if (manifest.position > committed)
          throw new SnapshotRefused('ahead', `it is of position ${manifest.position}, ${committed} is committed`)
        const pieces = () => this.#pieces(name, manifest)
        found.push({ name, position: manifest.position, read: () => ({ head: manifest.head, pieces: pieces() }) })
      } catch (error) {
        if (!(error instanceof SnapshotRefused)) throw error
        refused(error, name)
        // the log was set back: what will stand at this position is not what the snapshot knows
        if (error.reason === 'ahead') await this.#disk.remove(join(this.#folder, name))
      }
    }
    return found
  }

  /** The next snapshot must be of all pieces. */
  get wantsFull(): boolean {
    return this.#file === null || this.#fileBytes > 2 * this.#liveBytes
  }

  /**
   * Writes a snapshot. Whatever the disk throws, the snapshots before stay as they were, and the next one must be full.
   * `refused` snapshots that are still there go. It gets its name when `committed` resolves; that throws as the disk does.
   */
  async save(position: number, source: SnapshotSource, committed?: () => Promise<void>): Promise<Saved> {
    assert(source.full || !this.wantsFull, 'changes only, and nothing that they could belong to')
    try {
      return await this.#save(position, source, committed)
    } catch (error) {
      source.giveUp()
      this.#file = null
      await this.#clean().catch(() => {}) // the disk's trouble is told by `error`
      throw error
    }
  }

  async #save(position: number, source: SnapshotSource, committed?: () => Promise<void>): Promise<Saved> {
    this.#disk.makeFolder(this.#folder)
    const number = String(this.#nextNumber()).padStart(12, '0')
    const file = source.full ? `pages-${number}.data` : (this.#file as string)
    const places = new Map<number, Place>()
    if (source.full) this.#fileBytes = 0
    else await inTurns(takeOver(this.#good.at(-1)!.manifest, source, places))
    this.#file = file
    const written = await this.#append(file, source, places)
    await this.#disk.sync(join(this.#folder, file))
    const manifest = { logId: this.#logId, position, head: source.head, places }
    const name = `snapshot-${number}.manifest`
    const bytes = await inTurns(encodeManifest(manifest))
    const unfinished = join(this.#folder, name + UNFINISHED)
    await this.#disk.append(unfinished, bytes)
    await this.#disk.sync(unfinished)
    await committed?.()
    await this.#disk.rename(unfinished, join(this.#folder, name))
    await this.#disk.sync(this.#folder)
    const used = await inTurns(usage(places))
    this.#good = [...this.#good.slice(-1), { name, manifest, files: used.files }]
    this.#liveBytes = used.bytes
    await this.#clean()
    return { full: source.full, pieces: written.pieces, bytes: written.bytes + bytes.length }
  }

  async #append(file: string, source: SnapshotSource, places: Map<number, Place>) {
    const written = { pieces: 0, bytes: 0 }
    for (;;) {
      await turn()
      const pieces = source.copy(STEP_BYTES)
      if (pieces === null) return written
      if (pieces.length === 0) continue
      for (const { key, bytes } of pieces) {
        places.set(key, { file, offset: this.#fileBytes, length: bytes.length, crc: crc32(bytes) })
        this.#fileBytes += bytes.length
        written.bytes += bytes.length
      }
      written.pieces += pieces.length
      const bytes = pieces.length === 1 ? pieces[0].bytes : Buffer.concat(pieces.map((piece) => piece.bytes))
      await this.#disk.append(join(this.#folder, file), bytes)
    }
  }

  /** Lets go of all that does not belong to a good snapshot. */
  async #clean(): Promise<void> {
    const needed = new Set<string>(this.#good.flatMap(({ name, files }) => [name, ...files]))
    if (this.#file) needed.add(this.#file)
    // manifests first: one without its data would be refused, loudly
    for (const name of this.#names(OURS).toReversed())
      if (!needed.has(name)) await this.#disk.remove(join(this.#folder, name))
  }

  #names(pattern: RegExp): string[] {
    const names = this.#disk.names(this.#folder)
    return names.filter((name) => pattern.test(name)).toSorted()
  }

  /** Above that of any file there, unfinished ones included. */
  #nextNumber(): number {
    const numbers = this.#names(OURS).map((name) => OURS.exec(name))
    return Math.max(0, ...numbers.map((found) => Number(found?.[1] ?? found?.[2]))) + 1
  }

  #manifests(refused: (refusal: SnapshotRefused, name: string) => void): string[] {
    try {
      return this.#names(MANIFEST)
    } catch (error) {
      refused(unreadable(this.#folder, error), this.#folder)
      return []
    }
  }

  #readManifest(name: string): Manifest {
    const manifest = decodeManifest(this.#bytesOf(name))
    if (manifest.logId === this.#logId) return manifest
    throw new SnapshotRefused('other_log', 'it was taken of another log')
  }

  #bytesOf(name: string): Uint8Array {
    try {
      return this.#disk.read(join(this.#folder, name))
    } catch (error) {
      throw unreadable(name, error)
    }
  }

  *#pieces(name: string, manifest: Manifest): Generator<SnapshotPiece, void, undefined> {
    const inOrder = [...manifest.places].sort(([, a], [, b]) =>
      a.file === b.file ? a.offset - b.offset : a.file < b.file ? -1 : 1,
    )
    let fd = -1
    let opened = ''
    let left = 0
    try {
      for (const [key, place] of inOrder) {
        if (opened !== place.file) {
          if (fd >= 0) closeSync(fd)
          fd = -1
          fd = openData(join(this.#folder, place.file), place.file)
          opened = place.file
          left = fstatSync(fd).size
        }
        left -= place.length // each has bytes of its own
        if (left < 0) throw new SnapshotRefused('torn', `${place.file} is shorter than its pieces`)
        yield { key, bytes: readPiece(fd, place) }
      }
    } finally {
      if (fd >= 0) closeSync(fd)
    }
    this.#good = [{ name, manifest, files: new Set(inOrder.map(([, { file }]) => file)) }]
  }
}

/** Places of the pieces that are as they were. */
function* takeOver(before: Manifest, source: SnapshotSource, places: Map<number, Place>): Generator<void, void> {
  let looked = 0
  for (const [key, place] of before.places) {
    if (source.has(key)) places.set(key, place)
    if (++looked % PLACES_A_STEP === 0) yield
  }
}

function* usage(places: ReadonlyMap<number, Place>): Generator<void, { files: Set<string>; bytes: number }> {
  const files = new Set<string>()
  let bytes = 0
  let looked = 0
  for (const { file, length } of places.values()) {
    files.add(file)
    bytes += length
    if (++looked % PLACES_A_STEP === 0) yield
  }
  return { files, bytes }
}

/** Step by step; the task gets its turn before each. */
async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    await turn()
    const { done, value } = steps.next()
    if (done) return value
  }
}

function openData(path: string, file: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(name: string, error: unknown): SnapshotRefused {
  return new SnapshotRefused('torn', `${name} cannot be read: ${(error as Error).message}`, error)
}

function readPiece(fd: number, { file, offset, length, crc }: Place): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const read = readSync(fd, bytes, done, length - done, offset + done)
    if (read === 0) throw new SnapshotRefused('torn', `${file} ends before ${offset + length}`)
    done += read
  }
  if (crc32(bytes) !== crc)
    throw new SnapshotRefused('checksum', `${file} is damaged between ${offset} and ${offset + length}`)
  return bytes
}
