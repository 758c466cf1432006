import { EngineError, LogCorrupt } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { reasonOf } from './errors.ts'
import { type Feed, Fetcher } from './fetch/fetcher.ts'
import type { RecordHeader } from './fetch/record-cursor.ts'

export interface IncomingRecord {
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

const FOLLOWED_WAIT_MS = 200

/**
 * Hands over the committed records of one topic, from its beginning, without a consumer group. Without `follow` it resolves
 * where the topic ended when it was called; else at `stop`.
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
  const { topic, follow, stop, empty = false } = options
  const kafka = createClient(connection, log, 3)
  const admin = kafka.admin()
  const fetcher = new Fetcher(kafka, { maxWaitMs: FOLLOWED_WAIT_MS })
  try {
    await admin.connect()
    const bounds = await admin.fetchTopicOffsets(topic)
    const reads = bounds.map(({ partition, low, high }) => ({
      feed: fetcher.open(topic, partition, Number(low)),
      end: follow ? Number.POSITIVE_INFINITY : Number(high),
    }))
    while (!stop.aborted && reads.some(({ feed, end }) => feed.position < end)) {
      for (const { feed, end } of reads) takeAll(feed, end, empty, take)
      if (reads.some(({ feed, end }) => feed.position < end)) await fetcher.news(stop)
    }
  } catch (error) {
    if (error instanceof LogCorrupt) throw error
    const brokers = connection.brokers.join(', ')
    throw new EngineError('KAFKA_UNREACHABLE', `${topic} cannot be read at ${brokers}: ${reasonOf(error)}`, error)
  } finally {
    await Promise.allSettled([fetcher.close(), admin.disconnect()])
  }
}

/** What waits, below `end`. */
function takeAll(feed: Feed, end: number, empty: boolean, take: (record: IncomingRecord) => void): void {
  for (let batch = feed.take(); batch; batch = feed.take()) {
    for (const cursor = batch.cursor(); cursor.next() && cursor.offset < end; ) {
      const { bytes, valueStart, valueEnd } = cursor
      if (valueEnd < 0 && !empty) continue
      const value = valueEnd < 0 ? Buffer.alloc(0) : bytes.subarray(valueStart, valueEnd)
      take({ value, headers: textHeaders(cursor.headers()) })
    }
  }
}

function textHeaders(headers: readonly RecordHeader[]): Record<string, string> {
  return Object.fromEntries(headers.map(({ key, value }) => [key, String(value)]))
}
