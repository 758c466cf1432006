import { Kafka, logLevel } from 'kafkajs'

/** The topics of the data contract, with the partitions that a first run gets. */
export const TOPICS: Readonly<Record<string, number>> = {
  'trade.transactions.v1': 4,
  'trade.behavior.v1': 4,
  'risk.alerts.v1': 2,
  'risk.alerts.shadow.v1': 1,
  'risk.hot-items.v1': 1,
  'risk.dlq.v1': 1,
}

/** Creates those of `topics` (name to partitions) that are missing, with the broker's own replication factor, and waits for their leaders. */
export async function createTopics(brokers: string[], topics: Readonly<Record<string, number>>): Promise<void> {
  const admin = new Kafka({ clientId: 'lapwing-topics', brokers, logLevel: logLevel.ERROR }).admin()
  await admin.connect()
  try {
    const wanted = Object.entries(topics).map(([topic, numPartitions]) => ({ topic, numPartitions }))
    await admin.createTopics({ topics: wanted, waitForLeaders: true })
  } finally {
    await admin.disconnect()
  }
}
