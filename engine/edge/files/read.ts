import type { Block } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import type { Stream } from '../../model/stream.ts'
import { CsvAssembler } from './csv.ts'
import { LineSplitter } from './lines.ts'
import { RowWriter } from './row-writer.ts'
import { StreamChooser } from './stream-chooser.ts'
import { readText } from './text.ts'

export interface ReadOptions {
  readonly streams: readonly Stream[]
  /** Name of the stream that all records belong to; else each record's type says it, if there is more than one. */
  readonly stream?: string
  /** Source topic of the blocks, if it shall not be the stream's own. */
  readonly sourceTopic?: string
  /** Most rows of a block; default 1,000. */
  readonly batchRows?: number
  /** Offset of a stream's first record; default 0. Files appended to a log go on where the last one ended. */
  readonly firstOffset?: (stream: Stream) => number
  /** True: the first malformed record ends it with INPUT_MALFORMED. */
  readonly strict?: boolean
  /** Told of each malformed record that was passed over; `text` is at most 200 characters of it. */
  readonly onMalformed?: (line: number, reason: string, text: string) => void
}

/**
 * The events of one finite input: JSON lines or CSV with a header, plain or gzip, known by content; `-` is standard input.
 *
 * Order    that of the file, also between streams: a block ends where the stream changes
 * Offsets  each stream's records counted from `firstOffset`; malformed ones do not count. Partition 0
 * Values   times: epoch ms (`time_format: s`: seconds) or ISO 8601; decimals as numbers or text; a number where a text
 *          is wanted is taken as written; CSV: an empty field is null. Names that are no field are passed over
 * Errors   INPUT_MISSING: cannot be read; INPUT_MALFORMED: broken gzip, a CSV header that cannot be used, or `strict`
 */
export async function* readBlocks(path: string, options: ReadOptions): AsyncGenerator<Block, void, undefined> {
  const blocks = new BlockCutter(path, options)
  let feeder: Feeder | null = null
  for await (const text of readText(path)) {
    feeder ??= feederFor(path, text, blocks)
    feeder?.feed(text)
    yield* blocks.take()
  }
  feeder?.end()
  blocks.flush()
  yield* blocks.take()
}

interface Feeder {
  feed(text: string): void
  end(): void
}

/**
 * By the file's name, else by the first lines: JSON lines if any of them begins like an object, so that a broken first
 * line costs itself alone. Null while there is nothing but blanks.
 */
function feederFor(path: string, text: string, blocks: BlockCutter): Feeder | null {
  if (text.trim() === '') return null
  if (/\.(jsonl|ndjson|json)(\.gz)?$/i.test(path)) return jsonFeeder(blocks)
  if (/\.csv(\.gz)?$/i.test(path)) return csvFeeder(blocks)
  const lines = text.split('\n', LINES_LOOKED_AT)
  return lines.some((line) => /^\s*[{[]/.test(line)) ? jsonFeeder(blocks) : csvFeeder(blocks)
}

const LINES_LOOKED_AT = 20

function jsonFeeder(blocks: BlockCutter): Feeder {
  return new LineSplitter((text, line, oversized) => {
    if (oversized) return blocks.malformed(line, 'longer than 1 MB', text)
    let record: unknown
    try {
      record = JSON.parse(text)
    } catch {
      if (text.trim() !== '') blocks.malformed(line, 'not JSON', text)
      return
    }
    if (typeof record !== 'object' || record === null || Array.isArray(record))
      blocks.malformed(line, 'not a JSON object', text)
    else blocks.add(record as Record<string, unknown>, line, text)
  })
}

function csvFeeder(blocks: BlockCutter): Feeder {
  let header: string[] | null = null
  const assembler = new CsvAssembler({
    malformed: (line, reason, text) => blocks.malformed(line, reason, text),
    record(fields, line, text) {
      if (!header) {
        header = blocks.checkHeader(fields, line)
        return
      }
      if (fields.length !== header.length) {
        blocks.malformed(line, `${fields.length} fields, the header has ${header.length}`, text)
        return
      }
      const record: Record<string, unknown> = {}
      for (let i = 0; i < fields.length; i++) record[header[i]!] = fields[i] === '' ? null : fields[i]
      blocks.add(record, line, text)
    },
  })
  const lines = new LineSplitter((text, line, oversized) => {
    if (oversized) blocks.malformed(line, 'longer than 1 MB', text)
    else assembler.line(text, line)
  })
  return {
    feed: (text) => lines.feed(text),
    end() {
      lines.end()
      assembler.end()
    },
  }
}

/** The stream of that name; without a name the only one, if there is but one. */
function namedStream(streams: readonly Stream[], name: string | undefined): Stream | null {
  if (name === undefined) return streams.length === 1 ? streams[0]! : null
  const found = streams.find((s) => s.name === name)
  if (found) return found
  throw new EngineError('USAGE', `there is no stream "${name}"; there are ${streams.map((s) => s.name).join(', ')}`)
}

/** Records in, blocks out: a block ends when it is full or the stream changes. */
class BlockCutter {
  readonly #path: string
  readonly #options: ReadOptions
  readonly #only: Stream | null
  readonly #chooser: StreamChooser
  readonly #writers = new Map<Stream, RowWriter>()
  readonly #rowsMax: number
  #current: RowWriter | null = null
  #done: Block[] = []

  constructor(path: string, options: ReadOptions) {
    const { streams, stream, batchRows = 1_000 } = options
    this.#path = path === '-' ? 'standard input' : path
    this.#options = options
    this.#rowsMax = batchRows
    this.#only = namedStream(streams, stream)
    this.#chooser = new StreamChooser(streams, this.#only)
  }

  add(record: Record<string, unknown>, line: number, text: string): void {
    const choice = this.#chooser.choose(record)
    if ('problem' in choice) {
      this.malformed(line, choice.problem, text)
      return
    }
    let writer = this.#current
    if (writer?.stream !== choice.stream) {
      this.flush()
      writer = this.#writer(choice.stream)
      this.#current = writer
    }
    const problem = writer.write(record, choice.type)
    if (problem) this.malformed(line, problem, text)
    else if (writer.builder.length >= this.#rowsMax) this.flush()
  }

  malformed(line: number, reason: string, text: string): void {
    if (this.#options.strict) throw new EngineError('INPUT_MALFORMED', `${this.#path}:${line}: ${reason}`)
    this.#options.onMalformed?.(line, reason, text.slice(0, 200))
  }

  /** The names of a CSV's columns; INPUT_MALFORMED where no record below could be read. */
  checkHeader(names: string[], line: number): string[] {
    const fail = (what: string) => new EngineError('INPUT_MALFORMED', `${this.#path}:${line}: ${what}`)
    const trimmed = names.map((n) => n.trim())
    const twice = trimmed.find((n, i) => trimmed.indexOf(n) !== i)
    if (twice !== undefined) throw fail(`the column "${twice}" stands there twice`)
    const candidates = this.#only ? [this.#only] : this.#options.streams
    const types = candidates.map((s) => ('field' in s.type ? s.type.field : null))
    if (
      this.#only
        ? types[0] !== null && !trimmed.includes(types[0]!)
        : !types.some((t) => t !== null && trimmed.includes(t))
    )
      throw fail(this.#only ? `there is no column "${types[0]}"` : 'there is no column with the type; name the stream')
    const times = [...new Set(candidates.map((s) => s.timeField))]
    if (!times.some((t) => trimmed.includes(t))) throw fail(`there is no column "${times.join('" or "')}"`)
    return trimmed
  }

  flush(): void {
    if (this.#current && this.#current.builder.length > 0) this.#done.push(this.#current.builder.build())
  }

  take(): Block[] {
    const done = this.#done
    this.#done = []
    return done
  }

  #writer(stream: Stream): RowWriter {
    let writer = this.#writers.get(stream)
    if (!writer) {
      const { sourceTopic = stream.topic, firstOffset } = this.#options
      writer = new RowWriter(stream, sourceTopic, firstOffset?.(stream) ?? 0)
      this.#writers.set(stream, writer)
    }
    return writer
  }
}
