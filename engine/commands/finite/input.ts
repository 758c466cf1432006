import { join } from 'node:path'
import { Option } from 'commander'
import type { LateSince } from '../../edge/files/ahead-guard.ts'
import { readCachedBatches } from '../../edge/files/cache/read-cached.ts'
import { type ReadOptions, readBatches } from '../../edge/files/read.ts'
import type { UnknownField } from '../../edge/files/unknown-fields.ts'
import { ENCODINGS, type Encoding } from '../../kit/encodings.ts'
import type { Batch } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import { momentOf } from '../../model/event-time.ts'
import type { Stream } from '../../model/stream.ts'
import { talk } from '../exit.ts'
import { PassedOver } from './passed-over.ts'
import { sortedBatches } from './sorted.ts'
import { type TimeRange, withinRange } from './time-range.ts'
import { unknownFieldText } from './unknown-fields.ts'

/** What came through a pipe is handed on after so long at the latest. */
const PIPE_WAIT_MS = 100
/** docs/semantics.md, "Finite inputs". */
const AHEAD_MAX_MS = 31 * 86_400_000

export interface InputOptions {
  readonly input: string
  readonly stream?: string
  readonly encoding?: Encoding
  readonly strict?: boolean
  readonly sort?: boolean
  /** The input is the whole history: events far ahead of those around them are passed over. */
  readonly guarded?: boolean
  /** Only the events of that time. */
  readonly range?: TimeRange
  /** Told of each malformed record: its place, what is wrong, at most 200 characters of it. */
  readonly onMalformed?: (where: string, reason: string, text: string) => void
  /** Folder of the cache; without it each reading is of the input itself. */
  readonly cacheFolder?: string
  /** It was read before: what is wrong with it was said then. */
  readonly again?: boolean
}

/** A finite input, and what was wrong with it: the first faulty records are said aloud, the others counted. */
export class FiniteInput {
  /** Events passed over because they were far ahead of those around them. */
  ahead = 0
  firstAhead: { readonly line: number; readonly timeMs: number } | null = null
  late: LateSince | null = null
  readonly unknownFields: UnknownField[] = []
  /** Of the input's bytes, the share that was read; null while that is unknown. */
  share: number | null = null
  readonly #say: (line: string) => void
  readonly #passedOver: PassedOver
  readonly #options: InputOptions
  readonly #streams: readonly Stream[]

  constructor(options: InputOptions, streams: readonly Stream[]) {
    this.#options = options
    this.#say = options.again ? () => {} : talk
    this.#passedOver = new PassedOver(this.#say)
    this.#streams = streams
  }

  /** Rows of all streams in the order of the input, or of time. */
  batches(): AsyncIterable<Batch> {
    const { input, stream, encoding, strict = false, sort = false, guarded = false, cacheFolder, range } = this.#options
    const options: ReadOptions = {
      streams: this.#streams,
      strict,
      onMalformed: (line, reason, text) => {
        const where = `${this.name}:${line}`
        this.#passedOver.add(where, reason)
        this.#options.onMalformed?.(where, reason, text)
      },
      onAhead: (line, timeMs) => this.#passOver(line, timeMs),
      onLate: (late) => {
        this.late = late
      },
      onUnknownField: (field) => this.#passOverField(field),
      ...(stream === undefined ? {} : { stream }),
      ...(encoding === undefined ? {} : { encoding }),
      ...(input === '-' ? { waitMaxMs: PIPE_WAIT_MS } : {}),
      onShare: (share) => {
        this.share = share
      },
      ...(guarded && !sort ? { aheadMaxMs: AHEAD_MAX_MS } : {}),
    }
    const read =
      cacheFolder === undefined
        ? readBatches(input, options)
        : readCachedBatches(input, options, { folder: cacheFolder, say: talk })
    const all = guarded ? this.#wanted(read) : read
    const batches = range ? withinRange(all, range, this.#streams) : all
    return sort ? sortedBatches(batches, this.#streams) : batches
  }

  /** A whole history of which nothing can be read is another file than was meant. */
  async *#wanted(batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void, undefined> {
    let rows = 0
    for await (const batch of batches) {
      rows += batch.length
      yield batch
    }
    if (rows > 0 || this.malformed === 0) return
    const count = this.malformed === 1 ? 'its only record is not' : `none of its ${this.malformed} records is`
    throw new EngineError('INPUT_MALFORMED', `${this.name}: ${count} an event of a stream`)
  }

  get malformed(): number {
    return this.#passedOver.count
  }

  get name(): string {
    const { input } = this.#options
    return input === '-' ? 'standard input' : input
  }

  #passOverField(field: UnknownField): void {
    this.unknownFields.push(field)
    this.#say(`${this.name}:${field.line}: ${unknownFieldText(field)}`)
  }

  #passOver(line: number, timeMs: number): void {
    this.ahead += 1
    this.firstAhead ??= { line, timeMs }
  }
}

/** `--cache DIR`, `--no-cache`; the default is below the data folder. */
export function cacheFolderOf(choice: string | boolean | undefined, data: string): { cacheFolder?: string } {
  if (choice === false) return {}
  return { cacheFolder: typeof choice === 'string' ? choice : join(data, 'cache') }
}

export function cacheOptions(): [Option, Option] {
  return [
    new Option('--cache <folder>', 'where inputs are kept as columns once read (default: cache/ in the data folder)'),
    new Option('--no-cache', 'read the input itself, and keep nothing'),
  ]
}

export function encodingOption(): Option {
  return new Option(
    '--encoding <name>',
    "how the input's texts are written (default: as its stream says, or utf-8)",
  ).choices(ENCODINGS)
}

/** Where the clock stops after the last event: a moment in epoch ms, or as docs/semantics.md says. */
export type Until = 'drained' | 'last' | number

export function untilOption(): Option {
  return new Option(
    '--until <when>',
    'where the clock stops, and what is open closes: drained (windows empty, timers fired), last (the last event), or a time (default: drained)',
  ).argParser(parseUntil)
}

function parseUntil(text: string): Until {
  return text === 'drained' || text === 'last'
    ? text
    : timeOption('--until', 'neither drained, nor last, nor a time')(text)
}

/** Parser of an option that takes a moment: epoch ms or ISO 8601. */
export function timeOption(flag: string, fault = 'no time'): (text: string) => number {
  return (text) => {
    const timeMs = momentOf(text)
    if (Number.isNaN(timeMs)) throw new EngineError('USAGE', `${flag} ${text}: ${fault}`)
    return timeMs
  }
}
