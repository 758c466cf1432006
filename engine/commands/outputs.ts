import { type Config, type KafkaConfig, loadConfig } from '../config.ts'
import type { Topic } from '../edge/local/local-log.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { serviceLogger } from './service/serve.ts'

/** Newest outputs of a topic, of the local log or of Kafka, as they would stand in JSON; until `take` says false. */
export async function newestOutputs(config: Config, topic: Topic, take: (output: unknown) => boolean): Promise<void> {
  if (config.log.kind === 'kafka') {
    const all: unknown[] = [] // what a topic holds is as much as its retention says
    const read = { follow: false, stop: new AbortController().signal }
    await kafkaOutputs(config, config.log, topic, read, (output) => all.push(output))
    for (const output of all.reverse()) if (!take(output)) return
    return
  }
  const outputs = Outputs.open(config.data)
  try {
    for (let seq = Number.MAX_SAFE_INTEGER; ; ) {
      const rows = outputs.before(topic, seq)
      for (const { json } of rows) if (!take(JSON.parse(json))) return
      if (rows.length === 0) return
      seq = rows.at(-1)!.seq
    }
  } finally {
    outputs.close()
  }
}

/** All of a topic, by the partitions' order, as `readOutputs` gives it; as it would stand in JSON. */
export async function kafkaOutputs(
  { outputs }: Config,
  connection: KafkaConfig,
  topic: Topic,
  read: { readonly follow: boolean; readonly stop: AbortSignal },
  take: (output: unknown) => void,
): Promise<void> {
  const { readOutputs } = await import('../edge/kafka/output-reader.ts')
  const { OutputDecoder } = await import('../edge/registry/output-decoder.ts')
  const decoder = topic === 'dlq' ? null : new OutputDecoder(topic === 'rankings' ? 'ranking' : 'alert')
  const options = { ...read, topic: outputs[topic], empty: !decoder }
  await readOutputs(connection, serviceLogger(), options, ({ value, headers }) =>
    take(decoder ? decoder.decode(value) : { headers, value: value.toString('base64') }),
  )
}

export interface OutputsOptions {
  readonly config?: string
  readonly data?: string
}

export function configOf({ config: path, data }: OutputsOptions): Config {
  return loadConfig({ path, env: process.env, overrides: { data } })
}
