import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import type { UnknownField } from '../edge/files/unknown-fields.ts'
import { openDatabase, type Sqlite } from '../edge/local/database.ts'
import { LOG_FILE } from '../edge/local/local-log.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { LocalWriter } from '../edge/local/writer.ts'
import type { Encoding } from '../kit/encodings.ts'
import { type DeadLetterReason, EngineError } from '../model/errors.ts'
import type { Stream } from '../model/stream.ts'
import { EXIT, type ExitCode, say, talk } from './exit.ts'
import { EventTimes } from './finite/event-times.ts'
import { cutFor } from './finite/feeds-lists.ts'
import { encodingOption, FiniteInput } from './finite/input.ts'
import { eventTimeText } from './finite/summary.ts'
import { unknownFieldsText } from './finite/unknown-fields.ts'
import { withoutFuture } from './future.ts'
import { configOption, type Verb } from './options.ts'

/** Further records of a file that cannot be read are only counted: one that is something else altogether would fill the log. */
const LETTERS_MAX = 1_000

/** A record of an input that could not be read. */
export interface UnreadLetter {
  readonly kind: 'dead_letter'
  readonly reason: DeadLetterReason
  /** `events.jsonl:4` */
  readonly input: string
  readonly detail: string
  /** At most 200 characters of it. */
  readonly text: string
}

interface IngestOptions {
  readonly config?: string
  readonly data?: string
  readonly stream?: string
  readonly encoding?: Encoding
  readonly strict?: boolean
  readonly json?: boolean
}

export function addIngest(program: Command, verb: Verb): void {
  program
    .command('ingest')
    .description('append events to the local log; a running engine reads them at once')
    .argument('<file...>', 'JSON lines or CSV, plain or gzip, one after the other; - is standard input')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--stream <name>', 'the stream that all records belong to')
    .addOption(encodingOption())
    .option('--strict', 'end at the first malformed record; what was read before it stays appended')
    .option('--json', 'how many there were of each, as a JSON line')
    .action(verb(ingest))
}

async function ingest(files: readonly string[], options: IngestOptions): Promise<ExitCode> {
  const config = loadConfig({ path: options.config, env: process.env, overrides: { data: options.data } })
  if (config.log.kind === 'kafka' && options.data === undefined)
    throw new EngineError(
      'USAGE',
      'the configured log is Kafka: an engine there reads its topics; --data names a local log',
    )
  const missing = files.find((file) => file !== '-' && !existsSync(file))
  if (missing !== undefined) throw new EngineError('INPUT_MISSING', `${missing}: no such file or folder`)
  const db = openDatabase(join(config.data, LOG_FILE))
  const counts: Counts = { appended: 0, late: 0, ahead: 0, malformed: 0, from: null, to: null, unknown_fields: [] }
  const times = new EventTimes(config.streams, new LocalWriter(db, config.streams).streamMs)
  try {
    const cut = await cutFor(config)
    for (const file of files) await ingestOne(file, options, { streams: config.streams, db, cut, counts, times })
  } finally {
    db.close()
    const { appended, ahead, malformed, unknown_fields } = counts
    counts.late = times.late
    if (appended > 0) [counts.from, counts.to] = [times.fromMs, times.toMs]
    const letters = ahead + malformed > 0 ? '; what was set aside: lapwing dlq' : ''
    const span = eventTimeText(times.fromMs, times.toMs)
    const late = times.late > 0 ? ` (${times.late} of them late: an engine drops them)` : ''
    if (span !== null && !options.json) talk(span)
    if (options.json) say(`${JSON.stringify(counts)}\n`)
    else talk(`${appended} events appended${late}, ${ahead} too far in the future, ${malformed} malformed${letters}`)
    const unknown = unknownFieldsText(unknown_fields)
    if (unknown !== null && !options.json) talk(unknown)
  }
  return mostlyLeftOut(counts)
}

/** Such an input is another one than was meant, or its times are. */
function mostlyLeftOut({ appended, late, ahead }: Counts): ExitCode {
  const [most, what] =
    late > ahead ? [late, 'late: is the input in order of time'] : [ahead, 'too far ahead: are the clocks']
  if (2 * most <= appended + ahead) return EXIT.fine
  talk(`most events are ${what}, and time_format right?`)
  return EXIT.failed
}

interface Counts {
  appended: number
  /** Of those appended: behind the newest event before them by more than the lateness of their stream. */
  late: number
  /** Event times of those appended, epoch ms; null without any. */
  from: number | null
  to: number | null
  ahead: number
  malformed: number
  /** Of each file. */
  readonly unknown_fields: UnknownField[]
}

interface Appending {
  readonly streams: readonly Stream[]
  readonly db: Sqlite
  readonly cut: Awaited<ReturnType<typeof cutFor>>
  readonly counts: Counts
  readonly times: EventTimes
}

async function ingestOne(
  file: string,
  { stream, encoding, strict = false }: IngestOptions,
  { streams, db, cut, counts, times }: Appending,
): Promise<void> {
  const writer = new LocalWriter(db, streams)
  const outputs = new Outputs(db)
  let unread = 0
  const input = new FiniteInput(
    {
      input: file,
      strict,
      ...(stream === undefined ? {} : { stream }),
      ...(encoding === undefined ? {} : { encoding }),
      onMalformed: (where, detail, text) => {
        unread += 1
        const letter: UnreadLetter = { kind: 'dead_letter', reason: 'MALFORMED', input: where, detail, text }
        if (unread <= LETTERS_MAX) outputs.addDeadLetters([letter])
      },
    },
    streams,
  )
  try {
    for await (const batch of input.batches()) {
      const { kept, letters } = withoutFuture(batch, streams, Date.now())
      if (letters.length > 0) outputs.addDeadLetters(letters)
      counts.ahead += letters.length
      times.see(kept)
      if (kept.length > 0) await writer.append(cut(kept))
      counts.appended += kept.length
    }
  } finally {
    counts.malformed += input.malformed
    counts.unknown_fields.push(...input.unknownFields)
  }
}
