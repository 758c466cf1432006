import { setTimeout as sleep } from 'node:timers/promises'
import { Argument, type Command } from 'commander'
import { TOPICS, type Topic } from '../edge/local/local-log.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, jsonAlways, type Verb } from './options.ts'
import { configOf, kafkaOutputs, type OutputsOptions } from './outputs.ts'
import { signalled } from './service/serve.ts'

const POLL_MS = 50

interface TapOptions extends OutputsOptions {
  readonly follow?: boolean
}

export function addTap(program: Command, verb: Verb): void {
  program
    .command('tap')
    .description(
      'print what the engine has made, as JSON lines: from the local log, or from Kafka where the configuration says so',
    )
    .addArgument(new Argument('<topic>', 'which records').choices(TOPICS))
    .addOption(configOption())
    .addOption(jsonAlways())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--follow', 'go on with what comes')
    .action(verb(tap))
}

async function tap(topic: Topic, options: TapOptions): Promise<ExitCode> {
  const config = configOf(options)
  const follow = options.follow === true
  const stop = new AbortController()
  if (follow) void signalled().then(() => stop.abort())
  process.stdout.on('error', () => stop.abort())
  if (config.log.kind === 'kafka') {
    const write = (output: unknown) => void say(`${JSON.stringify(output)}\n`)
    await kafkaOutputs(config, config.log, topic, { follow, stop: stop.signal }, write)
    return EXIT.fine
  }
  const outputs = Outputs.open(config.data)
  for (let seq = 0; !stop.signal.aborted; ) {
    const rows = outputs.after(topic, seq)
    if (rows.length > 0) {
      seq = rows.at(-1)!.seq
      if (!say(rows.map((row) => `${row.json}\n`).join(''))) await drained(stop.signal)
    } else if (follow) await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => {})
    else break
  }
  outputs.close()
  return EXIT.fine
}

/** Until the reader wants more, or has gone away. */
function drained(gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.once('drain', resolve)
    gone.addEventListener('abort', () => resolve(), { once: true })
  })
}
