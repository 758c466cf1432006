import type { Consumer, ConsumerRunConfig } from 'kafkajs'

/**
 * Makes a consumer join its group and read, without commits of its own; resolves when it has joined. Whoever disconnects
 * it waits for that: `disconnect` of kafkajs 2.2.4 does not stop a consumer that is still joining, which joins all the
 * same, keeps its session alive, and reads nothing of the partitions that it is given.
 */
export async function joinUnless(
  isStopped: () => boolean,
  consumer: Consumer,
  topics: string[],
  config: Pick<ConsumerRunConfig, 'eachBatch' | 'partitionsConsumedConcurrently'>,
): Promise<void> {
  if (isStopped()) return
  await consumer.subscribe({ topics, fromBeginning: true })
  if (isStopped()) return
  await consumer.run({ ...config, autoCommit: false, eachBatchAutoResolve: false })
}
