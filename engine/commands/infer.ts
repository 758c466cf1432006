import { existsSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { readBytes } from '../edge/files/text.ts'
import { makeFolder } from '../kit/make-folder.ts'
import { systemText } from '../kit/system-error.ts'
import { EngineError } from '../model/errors.ts'
import { EXIT, type ExitCode, say, talk } from './exit.ts'
import { FiniteInput } from './finite/input.ts'
import { count, draftOf, rowsText } from './infer/draft.ts'
import { decodeSample } from './infer/encoding.ts'
import { configText, type Source, schemaText } from './infer/render.ts'
import { ROWS_MAX, type Table, tableOf } from './infer/table.ts'
import { topicTable } from './infer/topic.ts'
import { configOption, type Verb } from './options.ts'

/** Of the file's beginning, unzipped. */
const SAMPLE_BYTES = 1 << 24

interface InferOptions {
  readonly output: string
  readonly topic?: string
  readonly brokers?: string
  readonly config?: string
}

export function addInfer(program: Command, verb: Verb): void {
  program
    .command('infer')
    .description('look at a file or a topic, and write the configuration that reads it')
    .argument('[file]', 'CSV or JSON lines, gzip or not')
    .option('--topic <topic>', 'a topic of JSON records, in place of a file')
    .option('--brokers <list>', 'where the topic is: host:port, with commas; else as configured')
    .addOption(configOption())
    .option('-o, --output <file>', 'the configuration; the schema goes beside it', 'lapwing.yaml')
    .action(verb(infer))
}

/** Writes a configuration and a schema, neither over another; of a file, reads the sample with them. */
export async function infer(path: string | undefined, options: InferOptions): Promise<ExitCode> {
  const { output, topic } = options
  if ((path === undefined) === (topic === undefined)) throw new EngineError('USAGE', 'a file or --topic is wanted')
  if (path === '-') throw new EngineError('USAGE', 'the file is read twice: standard input cannot be')
  const name = streamName(path ?? topic!)
  const schema = `${name}.avsc`
  const avsc = join(dirname(output), schema)
  const there = [output, avsc].filter((file) => existsSync(file))
  if (there.length > 0) {
    const what = `nothing was written, for there is already ${there.join(' and ')}`
    throw new EngineError('USAGE', `${what}: --output names another file`)
  }
  const { table, source } = path === undefined ? await topicSample(topic!, options) : await fileSample(path)
  const draft = draftOf(table)
  if (!draft) {
    const what = `a stream needs a time, and none of these holds times: ${namesIn(table)}`
    throw new EngineError('INPUT_MALFORMED', `${source.name}: ${what}`)
  }
  write(avsc, schemaText(name, draft, source))
  write(output, configText(name, schema, draft, source))
  talk(`wrote ${output} and ${avsc}: ${draft.fields.length} columns of ${source.sample}`)
  const isLate = path === undefined ? false : await readBack(path, output, table.rows)
  if (path === undefined) loadConfig({ path: output })
  talk(`what is behind a question mark in ${output} is a guess: look at it, then`)
  const config = output === 'lapwing.yaml' ? '' : ` -c ${output}`
  const next = path === undefined ? 'doctor' : `backtest RULES --input ${path}${isLate ? ' --sort' : ''}`
  say(`  lapwing ${next}${config}\n`)
  return EXIT.fine
}

interface Sample {
  readonly table: Table
  readonly source: Source
}

async function fileSample(path: string): Promise<Sample> {
  const { bytes, whole } = await beginningOf(path)
  const { text, encoding, doubt } = decodeSample(bytes, whole)
  const table = tableOf(text, path, whole)
  const source = {
    name: basename(path),
    sample: `${rowsText(table.rows)}${whole && table.rows < ROWS_MAX ? ', all of it' : ' from its beginning'}`,
    rows: table.rows,
    encoding,
    encodingDoubt: doubt,
    delimiter: table.format === 'csv' ? table.delimiter : null,
    topic: null,
    isChinese: /\p{Script=Han}/u.test(text),
  }
  return { table, source }
}

async function topicSample(topic: string, { config: path, brokers }: InferOptions): Promise<Sample> {
  const overrides = brokers === undefined ? {} : { 'log.kind': 'kafka', 'log.brokers': brokers }
  const { log } = loadConfig({ ...(path !== undefined && { path }), env: process.env, overrides })
  if (log.kind !== 'kafka')
    throw new EngineError('USAGE', 'where is the topic? --brokers HOST:PORT, or a configuration with kind: kafka')
  const table = await topicTable(topic, log)
  const isChinese = table.columns.some(({ name, values }) => /\p{Script=Han}/u.test(`${name} ${values.join(' ')}`))
  const others = table.malformed === 0 ? '' : `, beside ${count(table.malformed)} that are no JSON objects`
  const sample = `${rowsText(table.rows)}, the newest of each partition${others}`
  const at = { topic, brokers: brokers === undefined ? null : log.brokers }
  const bytes = { encoding: null, encodingDoubt: null, delimiter: null }
  const source = { ...bytes, name: topic, sample, rows: table.rows, topic: at, isChinese }
  return { table, source }
}

/** Reads the sample as a backtest would; says what of it is no event. True where events would be late. */
async function readBack(path: string, config: string, rows: number): Promise<boolean> {
  const { streams } = loadConfig({ path: config })
  const input = new FiniteInput({ input: path, guarded: true }, streams)
  let [events, newestMs, isLate] = [0, Number.NEGATIVE_INFINITY, false]
  for await (const { blocks, length } of input.batches()) {
    for (const timeMs of blocks.flatMap(({ timesMs }) => [...timesMs])) {
      isLate ||= timeMs < newestMs - streams[0]!.latenessMs
      newestMs = Math.max(newestMs, timeMs)
    }
    events += length
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
