import { randomUUID } from 'node:crypto'
import { EngineError } from '../../model/errors.ts'
import { createClient, type KafkaConnection } from './client.ts'
import type { Logger } from './log.ts'

export interface IncomingRecord {
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Hands over the committed records of one topic, from its beginning, in a consumer group of its own that leaves nothing
 * behind. Without `follow` it resolves where the topic ended when it was called; else at `stop`.
 */
export async function readOutputs(
  connection: KafkaConnection,
  log: Logger,
  options: {
    readonly topic: string
    readonly follow: boolean
    readonly stop: AbortSignal
    /** Records without a value too. Default false. */
    readonly empty?: boolean
  },
  take: (record: IncomingRecord) => void,
): Promise<void> {
  const { topic, follow, stop } = options
  const kafka = createClient(connection, log, 3)
  const admin = kafka.admin()
  const groupId = `${connection.group}-tap-${randomUUID()}`
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 200 })
  let ended: () => void = () => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  stop.addEventListener('abort', () => ended(), { once: true })
  try {
    await admin.connect()
    const open = new Map((await admin.fetchTopicOffsets(topic)).map((p) => [p.partition, Number(p.high)]))
    for (const { partition, high, low } of await admin.fetchTopicOffsets(topic))
      if (high === low) open.delete(partition)
    if (open.size === 0 && !follow) return
    const reached = (partition: number, offset: number): void => {
      if (follow || offset + 1 < (open.get(partition) ?? Number.POSITIVE_INFINITY)) return
      open.delete(partition)
      if (open.size === 0) ended()
    }
    // the last offset of a transaction is its marker, which no record carries: the end of a batch tells
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) =>
      reached(payload.partition, Number(payload.lastOffset)),
    )
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { value, headers } of batch.messages)
          if (value || options.empty) take({ value: value ?? Buffer.alloc(0), headers: textHeaders(headers) })
        reached(batch.partition, Number(batch.lastOffset()))
      },
    })
    await end
  } catch (error) {
    throw new EngineError(
      'KAFKA_UNREACHABLE',
      `${topic} cannot be read at ${connection.brokers.join(', ')}: ${(error as Error).message}`,
      error,
    )
  } finally {
    await consumer.disconnect().catch(() => {})
    await admin.deleteGroups([groupId]).catch(() => {})
    await admin.disconnect().catch(() => {})
  }
}

function textHeaders(headers: Record<string, unknown> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]))
}
