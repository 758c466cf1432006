import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import type { SkipPlace } from '../edge/kafka/skip-batch.ts'
import { EngineError } from '../model/errors.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, type Verb } from './options.ts'
import { serviceLogger } from './service/serve.ts'

const PLACE = /^([\w.-]+)\/(\d+)@(\d+)$/

export function addSkip(program: Command, verb: Verb): void {
  program
    .command('skip')
    .description('on Kafka: pass over a batch that cannot be read; what it held is kept as a dead letter')
    .argument('<place>', 'TOPIC/PARTITION@OFFSET, as the engine and /readyz say it')
    .addOption(configOption())
    .option('--json', 'as JSON')
    .action(verb(skip))
}

async function skip(text: string, options: { readonly config?: string; readonly json?: boolean }): Promise<ExitCode> {
  const config = loadConfig({ path: options.config, env: process.env, overrides: {} })
  const { log, streams, outputs } = config
  if (log.kind !== 'kafka') throw new EngineError('USAGE', 'skip is for Kafka: the configured log is local')
  const { skipBatch } = await import('../edge/kafka/skip-batch.ts')
  const rest = { connection: log, streams, dlqTopic: outputs.dlq, nowMs: Date.now(), log: serviceLogger() }
  const skipped = await skipBatch(placeOf(text), rest)
  const { topic, partition, from, to, reason } = skipped
  const line = `${topic}/${partition}: offsets ${from} to ${to} are passed over (${reason}); their bytes: lapwing dlq --reason UNREADABLE`
  say(`${options.json ? JSON.stringify(skipped) : line}\n`)
  return EXIT.fine
}

function placeOf(text: string): SkipPlace {
  const [, topic, partition, offset] = PLACE.exec(text) ?? []
  if (!topic || !Number.isSafeInteger(Number(offset)))
    throw new EngineError('USAGE', `${text} is no place such as orders/3@17: TOPIC/PARTITION@OFFSET`)
  return { topic, partition: Number(partition), offset: Number(offset) }
}
