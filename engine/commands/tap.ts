import { setTimeout as sleep } from 'node:timers/promises'
import { Argument, type Command } from 'commander'
import { type Config, type KafkaConfig, loadConfig } from '../config.ts'
import { TOPICS, type Topic } from '../edge/local/local-log.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, jsonAlways, type Verb } from './options.ts'
import { serviceLogger, signalled } from './service/serve.ts'

const POLL_MS = 50

interface TapOptions {
  readonly config?: string
  readonly data?: string
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

async function tap(topic: Topic, { config: path, data, follow }: TapOptions): Promise<ExitCode> {
  const config = loadConfig({ path, env: process.env, overrides: { data } })
  if (config.log.kind === 'kafka') return tapKafka(config, config.log, topic, follow === true)
  const outputs = Outputs.open(config.data)
  const stop = new AbortController()
  if (follow) void signalled().then(() => stop.abort())
  process.stdout.on('error', () => stop.abort())
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

async function tapKafka(config: Config, connection: KafkaConfig, topic: Topic, follow: boolean): Promise<ExitCode> {
  const { readOutputs } = await import('../edge/kafka/output-reader.ts')
  const { OutputDecoder } = await import('../edge/registry/output-decoder.ts')
  const decoder = topic === 'dlq' ? null : new OutputDecoder(topic === 'rankings' ? 'ranking' : 'alert')
  const stop = new AbortController()
  if (follow) void signalled().then(() => stop.abort())
  process.stdout.on('error', () => stop.abort())
  const options = { topic: config.outputs[topic], follow, stop: stop.signal, empty: !decoder }
  await readOutputs(connection, serviceLogger(), options, ({ value, headers }) => {
    const shown = decoder ? decoder.decode(value) : { headers, value: value.toString('base64') }
    say(`${JSON.stringify(shown)}\n`)
  })
  return EXIT.fine
}

/** Until the reader wants more, or has gone away. */
function drained(gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.once('drain', resolve)
    gone.addEventListener('abort', () => resolve(), { once: true })
  })
}
