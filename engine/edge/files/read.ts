import { type Encoding, isWellFormed } from '../../kit/encodings.ts'
import { numbersUnder, parseExactJson } from '../../kit/exact-json.ts'
import { bare } from '../../kit/own.ts'
import type { Batch } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import type { Stream } from '../../model/stream.ts'
import { textNames } from '../../model/text-names.ts'
import type { LateSince } from './ahead-guard.ts'
import { BatchCutter } from './batch-cutter.ts'
import { CsvAssembler } from './csv.ts'
import { type LineEnd, LineSplitter, lineEndOf } from './lines.ts'
import { OneDocument } from './one-document.ts'
import { readText } from './text.ts'
import type { UnknownField } from './unknown-fields.ts'

export interface ReadOptions {
  readonly streams: readonly Stream[]
  /** Of the input, whatever its streams say. */
  readonly encoding?: Encoding
  /** Name of the stream that all records belong to; else each record's type says it, if there is more than one. */
  readonly stream?: string
  /** Source topic of the blocks, if it shall not be the stream's own. */
  readonly sourceTopic?: string
  /** Most rows of a batch, and so of a block; default and largest BATCH_ROWS_MAX. */
  readonly batchRows?: number
  /** Offset of a stream's first record; default 0. Files appended to a log go on where the last one ended. */
  readonly firstOffset?: (stream: Stream) => number
  /** True: the first malformed record ends it with INPUT_MALFORMED. */
  readonly strict?: boolean
  /** Told of each malformed record that was passed over; `text` is at most 200 characters of it. */
  readonly onMalformed?: (line: number, reason: string, text: string) => void
  /**
   * An event that is further ahead of all before it, and of the next one too, is passed over and told to `onAhead`: one
   * bad clock would make all that follows late. A real gap in the data is none such. Default: infinity.
   */
  readonly aheadMaxMs?: number
  readonly onAhead?: (line: number, timeMs: number) => void
  /** Told at the end, where events are late: the line whose event made most of them so. */
  readonly onLate?: (late: LateSince) => void
  /** Told of each name with values that is no field of its stream, at its first event; its count grows from then on. */
  readonly onUnknownField?: (field: UnknownField) => void
  /** Told of the share of the input's bytes that was read, where its size is known. */
  readonly onShare?: (share: number) => void
  /** What is read goes on at the latest so long after it came: for pipes. Default: when a batch is full. */
  readonly waitMaxMs?: number
}

/**
 * The events of one finite input: JSON lines or CSV with a header, plain or gzip, known by content; `-` is standard input.
 *
 * Order    that of the file, also between streams
 * Offsets  each stream's records counted from `firstOffset`; malformed ones do not count. Partition 0
 * Values   times: as the stream's `time_format` says; decimals as numbers or text; a number where a text is wanted is taken
 *          as written; CSV: an empty field is null. Lines that are no text in the encoding are malformed. Names that are
 *          no field are passed over, and told to `onUnknownField`
 * Errors   INPUT_MISSING: cannot be read; INPUT_MALFORMED: broken gzip, a CSV header that cannot be used, a quote that
 *          takes rows for text, JSON that is not one object a line, another encoding (at the end), or `strict`
 */
export async function* readBatches(path: string, options: ReadOptions): AsyncGenerator<Batch, void, undefined> {
  const batches = new BatchCutter(path, options)
  let wrongEncoding: string | null = null
  const chunks = readText(path, batches.encoding, {
    onShare: options.onShare,
    onMark: () => batches.trustEncoding(),
    onWrongEncoding: (message) => {
      wrongEncoding = message
    },
  })[Symbol.asyncIterator]()
  let feeder: Feeder | null = null
  try {
    for (;;) {
      const next = chunks.next()
      if (options.waitMaxMs !== undefined && !(await settlesWithin(next, options.waitMaxMs))) {
        batches.flush()
        yield* batches.take()
      }
      const { value: text, done } = await next
      if (done) break
      feeder ??= feederFor(path, text, batches)
      feeder?.feed(text)
      yield* batches.take()
    }
    feeder?.end()
    batches.end()
    yield* batches.take()
    if (wrongEncoding !== null)
      throw new EngineError('INPUT_MALFORMED', `${path === '-' ? 'standard input' : path}: ${wrongEncoding}`)
  } finally {
    await chunks.return() // or the file stays open when the reader stops early
  }
}

async function settlesWithin(promise: Promise<unknown>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, waitMs, false)
  })
  const settled = promise.then(
    () => true,
    () => true, // whoever awaits the promise itself hears of it
  )
  const first = await Promise.race([settled, waited])
  clearTimeout(timer)
  return first
}

interface Feeder {
  feed(text: string): void
  end(): void
}

/**
 * By the file's name, else by the first lines: JSON lines if any of them begins like an object, so that a broken first
 * line costs itself alone. Null while there is nothing but blanks.
 */
function feederFor(path: string, text: string, batches: BatchCutter): Feeder | null {
  if (text.trim() === '') return null
  const lineEnd = lineEndOf(text)
  if (/\.(jsonl|ndjson|json)(\.gz)?$/i.test(path)) return jsonFeeder(batches, lineEnd)
  if (/\.csv(\.gz)?$/i.test(path)) return csvFeeder(batches, lineEnd)
  const lines = text.split(lineEnd, LINES_LOOKED_AT)
  return lines.some((line) => /^\s*[{[]/.test(line)) ? jsonFeeder(batches, lineEnd) : csvFeeder(batches, lineEnd)
}

const LINES_LOOKED_AT = 20

function jsonFeeder(batches: BatchCutter, lineEnd: LineEnd): Feeder {
  const document = new OneDocument()
  const written = numbersUnder(textNames(batches.streams))
  return new LineSplitter((text, line, oversized) => {
    if (!oversized && !isWellFormed(text)) return batches.notText(line, text)
    const record = oversized ? undefined : parsed(text, written)
    if (record === undefined && text.trim() === '') return
    const broken = document.look(text, line, record)
    if (broken) batches.broken(broken.line, broken.what)
    if (oversized) batches.malformed(line, 'longer than 1 MB', text)
    else if (record === undefined) batches.malformed(line, 'not JSON', text)
    else if (typeof record !== 'object' || record === null || Array.isArray(record))
      batches.malformed(line, 'not a JSON object', text)
    else batches.add(record as Record<string, unknown>, line, text)
  }, lineEnd)
}

/** Undefined where it is no JSON. */
function parsed(text: string, written: RegExp | null): unknown {
  try {
    return parseExactJson(text, written)
  } catch {
    return undefined
  }
}

function csvFeeder(batches: BatchCutter, lineEnd: LineEnd): Feeder {
  let header: string[] | null = null
  const assembler = new CsvAssembler(
    {
      malformed: (line, reason, text) => batches.malformed(line, reason, text),
      broken: (line, reason) => batches.broken(line, reason),
      record(fields, line, text) {
        if (!isWellFormed(text)) {
          if (!header) batches.brokenHeader(line)
          batches.notText(line, text)
          return
        }
        if (!header) {
          header = batches.checkHeader(fields, line)
          return
        }
        if (fields.length !== header.length) {
          batches.malformed(line, `${fields.length} fields, the header has ${header.length}`, text)
          return
        }
        const record = bare<unknown>()
        for (let i = 0; i < fields.length; i++) record[header[i]!] = fields[i] === '' ? null : fields[i]
        batches.add(record, line, text)
      },
    },
    batches.delimiter,
  )
  const lines = new LineSplitter((text, line, oversized) => assembler.line(text, line, oversized), lineEnd)
  return {
    feed: (text) => lines.feed(text),
    end() {
      lines.end()
      assembler.end()
    },
  }
}
