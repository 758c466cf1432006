import { join } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { openDatabase } from '../edge/local/database.ts'
import { LOG_FILE } from '../edge/local/local-log.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { LocalWriter } from '../edge/local/writer.ts'
import type { Block } from '../model/block.ts'
import { EXIT, type ExitCode, talk } from './exit.ts'
import { FiniteInput } from './finite/input.ts'
import { withoutFuture } from './future.ts'
import { configOption, type Verb } from './options.ts'
import { regrouped } from './regroup.ts'

/** So many events go into one transaction; fewer when the input has nothing more at the moment. */
const ROWS_TOGETHER = 5_000

interface IngestOptions {
  readonly config?: string
  readonly data?: string
  readonly stream?: string
  readonly strict?: boolean
}

export function addIngest(program: Command, verb: Verb): void {
  program
    .command('ingest')
    .description('append events to the local log; a running engine reads them at once')
    .argument('<file>', 'JSON lines or CSV, plain or gzip; - is standard input')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--stream <name>', 'the stream that all records belong to')
    .option('--strict', 'end at the first malformed record; what was read before it stays appended')
    .action(verb(ingest))
}

async function ingest(file: string, { config: path, data, stream, strict = false }: IngestOptions): Promise<ExitCode> {
  const { streams, data: folder } = loadConfig({ path, env: process.env, overrides: { data } })
  const input = new FiniteInput({ input: file, strict, ...(stream === undefined ? {} : { stream }) }, streams)
  const db = openDatabase(join(folder, LOG_FILE))
  const writer = new LocalWriter(db, streams)
  const outputs = new Outputs(db)
  let waiting: Block[] = []
  let [appended, ahead, rowsWaiting] = [0, 0, 0]
  const append = async (): Promise<void> => {
    if (rowsWaiting === 0) return
    const [blocks, rows] = [waiting, rowsWaiting]
    waiting = [] // given up where the disk is full: they are not tried again
    rowsWaiting = 0
    await writer.append(blocks)
    appended += rows
  }
  try {
    for await (const block of regrouped(input.blocks(), streams, append)) {
      const { kept, letters } = withoutFuture(block, streams, Date.now())
      if (letters.length > 0) outputs.addDeadLetters(letters)
      ahead += letters.length
      if (kept.length > 0) waiting.push(kept)
      rowsWaiting += kept.length
      if (rowsWaiting >= ROWS_TOGETHER) await append()
    }
  } finally {
    try {
      await append()
    } finally {
      db.close()
      talk(
        `${appended} events appended, ${ahead} too far in the future (lapwing tap dlq), ${input.malformed} malformed`,
      )
    }
  }
  return EXIT.fine
}
