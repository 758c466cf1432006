import { BATCH_ROWS_MAX } from '../../model/batch.ts'
import type { Batch, Block } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import type { Stream } from '../../model/stream.ts'
import { AheadGuard } from './ahead-guard.ts'
import type { ReadOptions } from './read.ts'
import { RowWriter } from './row-writer.ts'
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
  readonly #chooser: StreamChooser
  readonly #writers = new Map<Stream, RowWriter>()
  /** Empty where nobody wants to hear of them. */
  readonly #unknown = new Map<RowWriter, UnknownFields>()
  /** Those with rows in the batch, in the order of their first ones: a writer's place is its index in the runs. */
  #open: RowWriter[] = []
  #runs: number[] = []
  #current: RowWriter | null = null
  #rows = 0
  #chars = 0
  readonly #rowsMax: number
  readonly #guard: AheadGuard<Taken> | null
  #done: Batch[] = []

  constructor(path: string, options: ReadOptions) {
    const { streams, stream, batchRows = BATCH_ROWS_MAX, aheadMaxMs } = options
    this.#path = path === '-' ? 'standard input' : path
    this.#options = options
    this.#rowsMax = Math.min(batchRows, BATCH_ROWS_MAX)
    this.#only = namedStream(streams, stream)
    this.#chooser = new StreamChooser(streams, this.#only)
    this.#guard = aheadMaxMs === undefined ? null : new AheadGuard(aheadMaxMs)
  }

  add(record: Readonly<Record<string, unknown>>, line: number, text: string): void {
    const choice = this.#chooser.choose(record)
    if ('problem' in choice) {
      this.malformed(line, choice.problem, text)
      return
    }
    const { type } = choice
    const writer = this.#writer(choice.stream)
    const timeMs = writer.timeOf(record)
    if (Number.isNaN(timeMs)) this.malformed(line, writer.timeProblem(record), text)
    else if (!this.#guard) this.#write(record, writer, type, timeMs, line, text)
    else this.#guarded(this.#guard, { record, writer, type, timeMs, line, text })
  }

  malformed(line: number, reason: string, text: string): void {
    if (this.#options.strict) throw new EngineError('INPUT_MALFORMED', `${this.#path}:${line}: ${reason}`)
    // a slice of its own: V8's would keep the whole line in memory
    this.#options.onMalformed?.(line, reason, Buffer.from(text.slice(0, 200)).toString())
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

  /** What was taken so far becomes a batch. */
  flush(): void {
    if (this.#rows === 0) return
    const blocks: Block[] = this.#open.map((writer) => writer.builder.build())
    this.#done.push({ kind: 'batch', blocks, runs: Uint32Array.from(this.#runs), length: this.#rows })
    this.#open = []
    this.#runs = []
    this.#current = null
    this.#rows = 0
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
    if (writer !== this.#current) this.#begin(writer)
    this.#runs[this.#runs.length - 1]! += 1
    this.#rows += 1
    this.#chars += text.length
    if (this.#rows >= this.#rowsMax || this.#chars >= BATCH_CHARS_MAX) this.flush()
    return true
  }

  #begin(writer: RowWriter): void {
    this.#current = writer
    let index = this.#open.indexOf(writer)
    if (index < 0) index = this.#open.push(writer) - 1
    this.#runs.push(index, 0)
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

/** The stream of that name; without a name the only one, if there is but one. */
function namedStream(streams: readonly Stream[], name: string | undefined): Stream | null {
  if (name === undefined) return streams.length === 1 ? streams[0]! : null
  const found = streams.find((s) => s.name === name)
  if (found) return found
  throw new EngineError('USAGE', `there is no stream "${name}"; there are ${streams.map((s) => s.name).join(', ')}`)
}
