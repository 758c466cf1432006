import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import type { UnknownField } from '../edge/files/unknown-fields.ts'
import { openDatabase, type Sqlite } from '../edge/local/database.ts'
import { LOG_FILE } from '../edge/local/local-log.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { LocalWriter } from '../edge/local/writer.ts'
import type { Block } from '../model/block.ts'
import { EngineError } from '../model/errors.ts'
import type { Stream } from '../model/stream.ts'
import { EXIT, type ExitCode, talk } from './exit.ts'
import { cutFor } from './finite/feeds-lists.ts'
import { FiniteInput } from './finite/input.ts'
import { unknownFieldsText } from './finite/unknown-fields.ts'
import { withoutFuture } from './future.ts'
import { configOption, type Verb } from './options.ts'
import { regrouped } from './regroup.ts'
import { UnreadLetters } from './unread-letters.ts'

/** So many events go into one transaction; fewer when the input has nothing more at the moment. */
const ROWS_TOGETHER = 5_000
const BYTES_TOGETHER = 16 << 20

interface IngestOptions {
  readonly config?: string
  readonly data?: string
  readonly stream?: string
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
  const counts: Counts = { appended: 0, ahead: 0, malformed: 0, unknown_fields: [] }
  try {
    const cut = cutFor(config)
    for (const file of files) await ingestOne(file, options, { streams: config.streams, db, cut, counts })
  } finally {
    db.close()
    const { appended, ahead, malformed, unknown_fields } = counts
    const letters = ahead + malformed > 0 ? '; what was set aside: lapwing dlq' : ''
    if (options.json) process.stdout.write(`${JSON.stringify(counts)}\n`)
    else talk(`${appended} events appended, ${ahead} too far in the future, ${malformed} malformed${letters}`)
    const unknown = unknownFieldsText(unknown_fields)
    if (unknown !== null && !options.json) talk(unknown)
  }
  return EXIT.fine
}

interface Counts {
  appended: number
  ahead: number
  malformed: number
  /** Of each file. */
  readonly unknown_fields: UnknownField[]
}

interface Appending {
  readonly streams: readonly Stream[]
  readonly db: Sqlite
  readonly cut: ReturnType<typeof cutFor>
  readonly counts: Counts
}

async function ingestOne(
  file: string,
  { stream, strict = false }: IngestOptions,
  { streams, db, cut, counts }: Appending,
): Promise<void> {
  const unread = new UnreadLetters()
  const input = new FiniteInput(
    {
      input: file,
      strict,
      ...(stream === undefined ? {} : { stream }),
      onMalformed: (where, reason, text) => unread.add(where, reason, text),
    },
    streams,
  )
  const writer = new LocalWriter(db, streams)
  const outputs = new Outputs(db)
  let waiting: Block[] = []
  let rowsWaiting = 0
  let bytesWaiting = 0
  const append = async (): Promise<void> => {
    const letters = unread.take()
    if (letters.length > 0) outputs.addDeadLetters(letters)
    if (rowsWaiting === 0) return
    const [blocks, rows] = [waiting, rowsWaiting]
    waiting = [] // given up where the disk is full: they are not tried again
    rowsWaiting = 0
    bytesWaiting = 0
    await writer.append(blocks)
    counts.appended += rows
  }
  try {
    for await (const block of regrouped(input.blocks(), streams, append)) {
      const { kept, letters } = withoutFuture(block, streams, Date.now())
      if (letters.length > 0) outputs.addDeadLetters(letters)
      counts.ahead += letters.length
      if (kept.length > 0) waiting.push(...cut(kept))
      rowsWaiting += kept.length
      bytesWaiting += kept.timesMs.buffer.byteLength // of all its columns
      if (rowsWaiting >= ROWS_TOGETHER || bytesWaiting >= BYTES_TOGETHER) await append()
    }
  } finally {
    counts.malformed += input.malformed
    counts.unknown_fields.push(...input.unknownFields)
    await append()
  }
}
