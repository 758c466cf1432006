import type { Encoding } from '../../kit/encodings.ts'
import { BATCH_ROWS_MAX } from '../../model/batch.ts'
import { BatchRuns } from '../../model/batch-runs.ts'
import type { Batch } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import { isPlausible } from '../../model/event-time.ts'
import type { Stream } from '../../model/stream.ts'
import { AheadGuard } from './ahead-guard.ts'
import type { ReadOptions } from './read.ts'
import { RowWriter } from './row-writer.ts'
import { columnsLacking, namesFor, SourceWords } from './source-words.ts'
import { StreamChooser } from './stream-chooser.ts'
import { UnknownFields } from './unknown-fields.ts'

/** Of the records' text: a batch of long ones has fewer. */
const BATCH_CHARS_MAX = 64 << 20

/** One record of the input, before it is a row. */
interface Taken {
  readonly record: Readonly<Record<string, unknown>>
  readonly writer: RowWriter
  readonly type: string
  readonly timeMs: number
  readonly line: number
  readonly text: string
}

/** Records in, batches out. */
export class BatchCutter {
  readonly #path: string
  readonly #options: ReadOptions
  readonly #only: Stream | null
  readonly #words: SourceWords
  readonly #chooser: StreamChooser
  readonly #writers = new Map<Stream, RowWriter>()
  /** Empty where nobody wants to hear of them. */
  readonly #unknown = new Map<RowWriter, UnknownFields>()
  readonly #rows = new BatchRuns<RowWriter>()
  #chars = 0
  readonly #rowsMax: number
  readonly #guard: AheadGuard<Taken> | null
  #done: Batch[] = []
  /** Of the file, unless a byte order mark says otherwise. */
  readonly encoding: Encoding
  /** Lines of streams of another encoding may be more than ASCII. */
  #encodingTrusted: boolean

  constructor(path: string, options: ReadOptions) {
    const { streams, stream, batchRows = BATCH_ROWS_MAX, aheadMaxMs } = options
    this.#path = path === '-' ? 'standard input' : path
    this.#options = options
    this.#rowsMax = Math.min(batchRows, BATCH_ROWS_MAX)
    this.#only = namedStream(streams, stream)
    this.#words = new SourceWords(streams, this.#only)
    this.#chooser = new StreamChooser(streams, this.#only)
    this.encoding = options.encoding ?? encodingOf(this.#only ? [this.#only] : streams)
    this.#encodingTrusted = options.encoding !== undefined
    this.#guard = aheadMaxMs === undefined ? null : new AheadGuard(aheadMaxMs)
  }

  /** Those that a record may belong to. */
  get streams(): readonly Stream[] {
    return this.#only ? [this.#only] : this.#options.streams
  }

  add(source: Readonly<Record<string, unknown>>, line: number, text: string): void {
    const words = this.#words.of(source)
    if ('problem' in words) {
      this.malformed(line, words.problem, text)
      return
    }
    const { record } = words
    const choice = this.#chooser.choose(record)
    if ('problem' in choice) {
      this.malformed(line, choice.problem, text)
      return
    }
    const { type } = choice
    if (!this.#encodingTrusted && encodingOf([choice.stream]) !== this.encoding && BEYOND_ASCII.test(text)) {
      const { name } = choice.stream
      this.malformed(
        line,
        `read as ${this.encoding}, but "${name}" is ${encodingOf([choice.stream])}: say --encoding`,
        text,
      )
      return
    }
    const writer = this.#writer(choice.stream)
    const timeMs = writer.timeOf(record)
    if (!isPlausible(timeMs)) this.malformed(line, writer.timeProblem(record), text)
    else if (!this.#guard) this.#write(record, writer, type, timeMs, line, text)
    else this.#guarded(this.#guard, { record, writer, type, timeMs, line, text })
  }

  /** What is read is in the encoding that its own mark names. */
  trustEncoding(): void {
    this.#encodingTrusted = true
  }

  /** A header with such bytes: no record below has its names. */
  brokenHeader(line: number): never {
    const wayOut = '--encoding, or encoding: of the stream, names another; lapwing infer finds it out'
    this.broken(line, `the header cannot be read: bytes that are not ${this.encoding}: ${wayOut}`)
  }

  /** A record with bytes that are none in its encoding. */
  notText(line: number, text: string): void {
    this.malformed(line, `bytes that are not ${this.encoding}`, text.replaceAll(/[\ud800-\udfff]/gu, '\ufffd'))
  }

  malformed(line: number, reason: string, text: string): void {
    if (this.#options.strict) this.broken(line, reason)
    // a slice of its own: V8's would keep the whole line in memory
    this.#options.onMalformed?.(line, reason, Buffer.from(text.slice(0, 200)).toString())
  }

  /** What stands between the fields of a CSV. USAGE where that depends on the stream, and none was named. */
  get delimiter(): string {
    const delimiters = new Set((this.#only ? [this.#only] : this.#options.streams).map((s) => s.delimiter ?? ','))
    const [delimiter = ',', ...others] = delimiters
    if (others.length === 0) return delimiter
    throw new EngineError(
      'USAGE',
      `${this.#path}: the streams have different delimiters: --stream NAME says whose it is`,
    )
  }

  /** Nothing that follows can be read: INPUT_MALFORMED with the place. */
  broken(line: number, reason: string): never {
    throw new EngineError('INPUT_MALFORMED', `${this.#path}:${line}: ${reason}`)
  }

  /** The names of a CSV's columns; INPUT_MALFORMED where no record below could be read. */
  checkHeader(names: string[], line: number): string[] {
    const trimmed = names.map((n) => n.trim())
    const twice = trimmed.find((n, i) => trimmed.indexOf(n) !== i)
    if (twice !== undefined) this.broken(line, `the column "${twice}" stands there twice`)
    if (this.#only) this.#checkColumns(this.#only, trimmed, line)
    else this.#checkAnyColumns(trimmed, line)
    return trimmed
  }

  #checkColumns(only: Stream, names: readonly string[], line: number): void {
    const fields = namesFor(only, names)
    const again = fields.findIndex((field, i) => fields.indexOf(field) !== i)
    if (again >= 0) {
      const field = fields[again]!
      this.broken(line, `the columns "${names[fields.indexOf(field)]}" and "${names[again]}" are both "${field}"`)
    }
    const { type, timeField } = only
    for (const field of ['field' in type ? type.field : null, timeField])
      if (field !== null && !fields.includes(field)) this.broken(line, `there is no column ${nameIn(only, field)}`)
    for (const [column, field] of columnsLacking(only, names))
      this.malformed(line, `there is no column "${column}", which is to be "${field}"`, '')
  }

  #checkAnyColumns(names: readonly string[], line: number): void {
    const { streams } = this.#options
    const has = (field: string, stream: Stream) => namesFor(stream, names).includes(field)
    if (!streams.some((s) => 'field' in s.type && has(s.type.field, s)))
      this.broken(line, 'there is no column with the type; name the stream')
    if (!streams.some((s) => has(s.timeField, s)))
      this.broken(line, `there is no column ${[...new Set(streams.map((s) => nameIn(s, s.timeField)))].join(' or ')}`)
  }

  /** What was taken so far becomes a batch. */
  flush(): void {
    if (this.#rows.length > 0) this.#done.push(this.#rows.take(({ builder }) => builder.build()))
    this.#chars = 0
  }

  /** The input has ended. */
  end(): void {
    const held = this.#guard?.release()
    if (held) this.#keep(held)
    this.flush()
    const late = this.#guard?.late()
    if (late) this.#options.onLate?.(late)
  }

  take(): Batch[] {
    const done = this.#done
    this.#done = []
    return done
  }

  #guarded(guard: AheadGuard<Taken>, taken: Taken): void {
    const held = guard.release()
    if (held && guard.isAheadOf(held, taken)) this.#options.onAhead?.(held.line, held.timeMs)
    else if (held) this.#keep(held)
    if (!guard.holds(taken)) this.#keep(taken)
  }

  #keep(taken: Taken): void {
    const { record, writer, type, timeMs, line, text } = taken
    if (this.#write(record, writer, type, timeMs, line, text)) this.#guard?.passed(taken, writer.stream.latenessMs)
  }

  #write(
    record: Taken['record'],
    writer: RowWriter,
    type: string,
    timeMs: number,
    line: number,
    text: string,
  ): boolean {
    const problem = writer.write(record, type, timeMs)
    if (problem) {
      this.malformed(line, problem, text)
      return false
    }
    this.#unknown.get(writer)?.look(record, line)
    this.#rows.add(writer)
    this.#chars += text.length
    if (this.#rows.length >= this.#rowsMax || this.#chars >= BATCH_CHARS_MAX) this.flush()
    return true
  }

  #writer(stream: Stream): RowWriter {
    let writer = this.#writers.get(stream)
    if (!writer) {
      const { sourceTopic = stream.topic, firstOffset, onUnknownField } = this.#options
      writer = new RowWriter(stream, sourceTopic, firstOffset?.(stream) ?? 0)
      this.#writers.set(stream, writer)
      if (onUnknownField) this.#unknown.set(writer, new UnknownFields(stream, this.#chooser.typeFields, onUnknownField))
    }
    return writer
  }
}

/** A field as the sources of its stream name it. */
function nameIn({ mapping }: Stream, field: string): string {
  const columns = Object.entries(mapping?.columns ?? {}).filter(([, to]) => to === field)
  return columns.length === 0 ? `"${field}"` : `${columns.map(([name]) => `"${name}"`).join(' or ')} ("${field}")`
}

const BEYOND_ASCII = /[\u0080-\uffff]/

/** The encoding that some of the streams name; UTF-8 where none does, or they name several. */
function encodingOf(streams: readonly Stream[]): Encoding {
  const named = new Set(streams.flatMap(({ encoding }) => encoding ?? []))
  return named.size === 1 ? [...named][0]! : 'utf-8'
}

/** The stream of that name; without a name the only one, if there is but one. */
function namedStream(streams: readonly Stream[], name: string | undefined): Stream | null {
  if (name === undefined) return streams.length === 1 ? streams[0]! : null
  const found = streams.find((s) => s.name === name)
  if (found) return found
  throw new EngineError('USAGE', `there is no stream "${name}"; there are ${streams.map((s) => s.name).join(', ')}`)
}
