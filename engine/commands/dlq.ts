import type { Command } from 'commander'
import { printable } from '../kit/printable.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import type { DeadLetter } from './future.ts'
import type { UnreadLetter } from './ingest.ts'
import { configOption, type Verb, wholeNumber } from './options.ts'
import { configOf, newestOutputs, type OutputsOptions } from './outputs.ts'

const TEXT_SHOWN = 80

interface DlqOptions extends OutputsOptions {
  readonly reason?: string
  readonly limit: number
  readonly json?: boolean
}

export function addDlq(program: Command, verb: Verb): void {
  program
    .command('dlq')
    .description('the newest dead letters: records that were set aside, and why')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--reason <code>', 'such as FUTURE_TIME or MALFORMED')
    .option('--limit <n>', 'how many at most', wholeNumber, 20)
    .option('--json', 'JSON lines, each with its record')
    .action(verb(dlq))
}

/** A record of Kafka's dead-letter topic: its headers say why, the value is base64. */
interface RawLetter {
  readonly headers: Readonly<Record<string, string>>
  readonly value: string
}

async function dlq(options: DlqOptions): Promise<ExitCode> {
  const lines: string[] = []
  await newestOutputs(configOf(options), 'dlq', (output) => {
    const letter = output as DeadLetter | UnreadLetter | RawLetter
    const { reason, from, detail } = 'headers' in letter ? ofHeaders(letter) : ofLocal(letter)
    if (options.reason !== undefined && options.reason !== reason) return true
    lines.push(options.json ? JSON.stringify(letter) : printable(`${reason.padEnd(14)}  ${from}  ${detail}`))
    return lines.length < options.limit
  })
  say(lines.map((line) => `${line}\n`).join(''))
  return EXIT.fine
}

function ofLocal(letter: DeadLetter | UnreadLetter) {
  if ('input' in letter) {
    const { reason, input, detail, text } = letter
    return { reason, from: input, detail: `${detail}: ${text.slice(0, TEXT_SHOWN)}` }
  }
  const { reason, stream, event_time, detail } = letter
  return { reason, from: `${stream} ${new Date(event_time).toISOString()}`, detail }
}

function ofHeaders({ headers }: RawLetter) {
  const of = (name: string) => headers[`__connect.errors.${name}`] ?? '?'
  const from = `${of('topic')}/${of('partition')}@${of('offset')}`
  return { reason: headers['lapwing.reason'] ?? '?', from, detail: of('exception.message') }
}
