import { EngineError } from '../../model/errors.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { reasonOf } from './errors.ts'
import type { Logger } from './log.ts'

/** All topics of a cluster, asked for once. EngineError KAFKA_UNREACHABLE. */
export async function topicsOf(connection: KafkaConnection, log: Logger): Promise<ReadonlySet<string>> {
  const admin = createClient(connection, log, 1).admin()
  try {
    await admin.connect()
    return new Set(await admin.listTopics())
  } catch (error) {
    const where = connection.brokers.join(', ')
    throw new EngineError('KAFKA_UNREACHABLE', `no broker answers at ${where}: ${reasonOf(error)}`, error)
  } finally {
    await admin.disconnect().catch(() => {})
  }
}
