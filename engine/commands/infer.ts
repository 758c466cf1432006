import { existsSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { readBytes } from '../edge/files/text.ts'
import { makeFolder } from '../kit/make-folder.ts'
import { systemText } from '../kit/system-error.ts'
import { EngineError } from '../model/errors.ts'
import { EXIT, type ExitCode, talk } from './exit.ts'
import { FiniteInput } from './finite/input.ts'
import { count, draftOf } from './infer/draft.ts'
import { decodeSample } from './infer/encoding.ts'
import { configText, type Source, schemaText } from './infer/render.ts'
import { type Table, tableOf } from './infer/table.ts'
import type { Verb } from './options.ts'

/** Of the file's beginning, unzipped. */
const SAMPLE_BYTES = 1 << 24

export function addInfer(program: Command, verb: Verb): void {
  program
    .command('infer')
    .description('look at a file of CSV or JSON lines, and write the configuration that reads it')
    .argument('<file>', 'CSV or JSON lines, gzip or not')
    .option('-o, --output <file>', 'the configuration; the schema goes beside it', 'lapwing.yaml')
    .action(verb(infer))
}

/** Writes a configuration and a schema, neither over another, and reads the sample with them. */
export async function infer(path: string, { output }: { output: string }): Promise<ExitCode> {
  if (path === '-') throw new EngineError('USAGE', 'the file is read twice: standard input cannot be')
  const name = streamName(path)
  const schema = `${name}.avsc`
  const [config, avsc] = [output, join(dirname(output), schema)]
  const there = [config, avsc].filter((file) => existsSync(file))
  if (there.length > 0)
    throw new EngineError(
      'USAGE',
      `nothing was written, for there is already ${there.join(' and ')}; --output FILE names another`,
    )
  const { bytes, whole } = await beginningOf(path)
  const { text, encoding, doubt } = decodeSample(bytes, whole)
  const table = tableOf(text, path, whole)
  const draft = draftOf(table)
  if (!draft)
    throw new EngineError(
      'INPUT_MALFORMED',
      `${path}: a stream needs a time, and none of its columns holds times: ${namesIn(table)}`,
    )
  const source: Source = {
    name: basename(path),
    sample: `${count(table.rows)} rows${whole ? ', all of it' : ' from its beginning'}`,
    rows: table.rows,
    encoding,
    encodingDoubt: doubt,
    delimiter: table.format === 'csv' ? table.delimiter : null,
    isChinese: /\p{Script=Han}/u.test(text),
  }
  write(avsc, schemaText(name, draft, source))
  write(config, configText(name, schema, draft, source))
  talk(`wrote ${config} and ${avsc}: ${draft.fields.length} columns of ${source.sample}`)
  const isLate = await readBack(path, config, table.rows)
  const options = `${relative('lapwing.yaml', config) === '' ? '' : ` -c ${config}`}${isLate ? ' --sort' : ''}`
  talk(`what is behind a question mark in ${config} is a guess: look at it, then`)
  process.stdout.write(`  lapwing backtest RULES --input ${path}${options}\n`)
  return EXIT.fine
}

/** Reads the sample as a backtest would; says what of it is no event. True where events would be late. */
async function readBack(path: string, config: string, rows: number): Promise<boolean> {
  const { streams } = loadConfig({ path: config })
  const input = new FiniteInput({ input: path, guarded: true }, streams)
  let [events, newestMs, isLate] = [0, Number.NEGATIVE_INFINITY, false]
  for await (const block of input.blocks()) {
    for (const timeMs of block.timesMs) {
      isLate ||= timeMs < newestMs - streams[0]!.latenessMs
      newestMs = Math.max(newestMs, timeMs)
    }
    events += block.length
    if (events + input.malformed >= rows) break
  }
  talk(`read with them: ${count(events)} events, ${count(input.malformed)} malformed`)
  return isLate
}

async function beginningOf(path: string): Promise<{ bytes: Buffer; whole: boolean }> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of readBytes(path)) {
    pieces.push(piece)
    size += piece.length
    if (size >= SAMPLE_BYTES) return { bytes: Buffer.concat(pieces), whole: false }
  }
  return { bytes: Buffer.concat(pieces), whole: true }
}

/** After the file, where its name is one that a stream may have. */
function streamName(path: string): string {
  const stem = basename(path).replace(/(\.(csv|tsv|txt|jsonl|ndjson|json))?(\.gz)?$/i, '')
  const name = stem
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
  return name === '' || /[^\x20-\x7e]/.test(stem) ? 'export' : name
}

function namesIn({ columns }: Table): string {
  return columns
    .slice(0, 20)
    .map(({ name }) => JSON.stringify(name))
    .join(', ')
}

function write(path: string, text: string): void {
  try {
    makeFolder(dirname(path))
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `${path} cannot be written: ${systemText(error)}`, error)
  }
}
