import type { Admin } from 'kafkajs'
import type { Logger } from '../../model/telemetry.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { noAnswer } from './errors.ts'

/** All topics of a cluster, asked for once. EngineError KAFKA_UNREACHABLE. */
export function topicsOf(connection: KafkaConnection, log: Logger): Promise<ReadonlySet<string>> {
  return asked(connection, log, async (admin) => new Set(await admin.listTopics()))
}

/** Partitions of `topics`, all of which exist, by topic. EngineError KAFKA_UNREACHABLE. */
export function partitionCountsOf(
  connection: KafkaConnection,
  topics: readonly string[],
  log: Logger,
): Promise<ReadonlyMap<string, number>> {
  return asked(connection, log, async (admin) => {
    const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] })
    return new Map(found.map(({ name, partitions }) => [name, partitions.length]))
  })
}

async function asked<T>(connection: KafkaConnection, log: Logger, question: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createClient(connection, log, 1).admin()
  try {
    await admin.connect()
    return await question(admin)
  } catch (error) {
    throw noAnswer(connection.brokers, error)
  } finally {
    await admin.disconnect().catch(() => {})
  }
}
