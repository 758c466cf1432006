import { rmSync } from 'node:fs'
import { EngineError } from '../../model/errors.ts'
import type { Segments } from '../../state/segments.ts'
import type { Reply } from './messages.ts'
import type { PartForm } from './part-forms.ts'
import { type Place, readSegment, SEGMENTS_PER_FILE } from './segment-files.ts'
import { SegmentThread } from './segment-thread.ts'

const WRITES_UNDER_WAY_MAX = 32
const AHEAD_MAX = 32

/** A part that was asked for: where it goes, and what came. */
interface Asked<Part> {
  readonly room: Part | null
  came: Part | Error | null
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
 * Segments in files, packed, written and read again by a thread.
 *
 * Write   the part is kept, and in use, until it is in its file. With 32 under way the task waits. What could not be
 *         written (a full disk) is tried again with the next segment.
 * Read    `ahead` has it read behind the task's back; a read that nobody asked for in time is awaited
 */
export class FileSegments<Part = Uint8Array> implements Segments<Part> {
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
  readonly #form: PartForm<Part>
  readonly #places = new Map<number, Place>()
  readonly #unwritten = new Map<number, Part | Uint8Array>()
  readonly #asked = new Map<number, Asked<Part>>()
  #writesUnderWay = 0
  #firstFile = 0
  #thread: SegmentThread | null = null
  #store = -1

  /** Empties the folder. */
  constructor(folder: string, inMemoryMax: number, form: PartForm<Part>) {
    this.#folder = folder
    this.#form = form
    this.inMemoryMax = inMemoryMax
    rmSync(folder, { recursive: true, force: true })
  }

  get aheadParts(): number {
    return this.#asked.size
  }

  write(number: number, part: Part | Uint8Array): void {
    if (this.#thread === null) {
      this.#thread = SegmentThread.shared()
      this.#store = this.#thread.open(this.#folder, (reply) => this.#take(reply))
    }
    const thread = this.#thread
    this.#unwritten.set(number, part)
    this.#writesUnderWay++
    if (part instanceof Uint8Array) {
      const copy = part.slice()
      thread.post({ kind: 'write', store: this.#store, number, part: copy }, [copy.buffer])
    } else thread.post({ kind: 'write', store: this.#store, number, part: this.#form.sent(part) })
    thread.takeReplies()
    if (this.#writesUnderWay <= WRITES_UNDER_WAY_MAX) return
    this.counts.writesAwaited++
    thread.waitUntil(() => this.#writesUnderWay <= WRITES_UNDER_WAY_MAX)
  }

  isWritten(number: number): boolean {
    this.#thread?.takeReplies()
    return this.#places.has(number)
  }

  read(number: number, room?: () => Part): Part {
    this.counts.read++
    const part = this.#unwritten.get(number)
    if (part !== undefined) return part instanceof Uint8Array ? this.#form.unpacked(part, room) : part
    this.#thread?.takeReplies()
    const announced = this.#asked.get(number)
    const asked = announced ?? this.#ask(number, room)
    if (asked === null) throw new EngineError('STATE_CORRUPT', `no segment ${number} in ${this.#folder}`)
    if (!announced?.came) this.counts.readsAwaited++
    this.#thread?.waitUntil(() => asked.came !== null)
    this.#asked.delete(number)
    if (asked.came instanceof Error) throw new EngineError('STATE_CORRUPT', asked.came.message, asked.came)
    return asked.came as Part
  }

  copy(number: number): Uint8Array | null {
    const part = this.#unwritten.get(number)
    if (part !== undefined) return part instanceof Uint8Array ? part : null
    const place = this.#places.get(number)
    if (!place) throw new EngineError('STATE_CORRUPT', `no segment ${number} in ${this.#folder}`)
    return readSegment(this.#folder, number, place)
  }

  ahead(number: number, room?: () => Part): void {
    if (!this.#asked.has(number) && this.#asked.size < AHEAD_MAX) this.#ask(number, room)
  }

  drop(number: number): void {
    for (; (this.#firstFile + 1) * SEGMENTS_PER_FILE <= number; this.#firstFile++) {
      const first = this.#firstFile * SEGMENTS_PER_FILE
      for (let n = first; n < first + SEGMENTS_PER_FILE; n++) {
        this.#places.delete(n)
        this.#asked.delete(n)
        this.#unwritten.delete(n)
      }
      this.#thread?.post({ kind: 'drop', store: this.#store, file: this.#firstFile })
    }
  }

  close(): void {
    this.#unwritten.clear()
    this.#asked.clear()
    this.#thread?.close(this.#store)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Null: it is in no file. */
  #ask(number: number, room?: () => Part): Asked<Part> | null {
    const place = this.#places.get(number)
    if (!place) return null
    const asked: Asked<Part> = { room: this.#form.room(room), came: null }
    this.#asked.set(number, asked)
    const into = asked.room === null ? null : this.#form.into(asked.room)
    this.#thread?.post({ kind: 'read', store: this.#store, number, place, into })
    return asked
  }

  #take(reply: Reply): void {
    if (reply.kind === 'written') {
      this.#writesUnderWay--
      if (reply.hasFailed) this.counts.writesFailed++
      for (const [number, place] of reply.places) this.#written(number, place)
    } else if (reply.kind === 'read') {
      const asked = this.#asked.get(reply.number)
      if (!asked) return
      asked.came = reply.part instanceof Error ? reply.part : this.#form.received(reply.part, asked.room)
    }
  }

  #written(number: number, place: Place): void {
    if (!this.#unwritten.delete(number)) return
    this.#places.set(number, place)
    this.counts.written++
    this.counts.writtenBytes += place.length
  }
}
