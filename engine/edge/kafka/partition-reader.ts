import type { Kafka } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'

export interface RawRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** kafkajs's own cluster and broker, as far as they are used here (2.2.4, pinned). */
interface FetchedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly isControlRecord: boolean
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}
interface FetchedPartition {
  readonly highWatermark: string
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[] | null
  readonly messages: readonly FetchedMessage[]
}
interface Broker {
  fetch(request: object): Promise<{ responses: readonly { partitions: readonly FetchedPartition[] }[] }>
}
interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>
  findBroker(node: { nodeId: string }): Promise<Broker>
}

const READ_COMMITTED = 1
const FETCH_BYTES_MAX = 4 << 20
const WAIT_MS_MAX = 100
/** Without a step forward for so long, somebody's transaction hides the rest, or the broker is gone. */
const STALL_MS_MAX = 30_000
const ABORT = Buffer.from([0, 0, 0, 0])

/**
 * Reads a range of one partition, read-committed, without a consumer group: what a rebuild needs, for a group's consumer
 * can neither read two places of a partition nor a partition that is not assigned to it.
 *
 * kafkajs has no such reader; this one stands on its cluster object. It drops aborted records itself: kafkajs's own filter
 * leaks some (KAFKA.md).
 */
export class PartitionReader {
  readonly #cluster: Cluster
  #connected: Promise<void> | null = null
  /** One request at a time: two first ones at once make kafkajs open the connection twice, and lose one of them. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(kafka: Kafka) {
    const symbol = Object.getOwnPropertySymbols(kafka).find((s) => s.description === 'private:Kafka:createCluster')
    const create = symbol && (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol]
    if (!create) throw new Error('this kafkajs has no cluster to read with: it must be 2.2.4')
    this.#cluster = create({ metadataMaxAge: 60_000, allowAutoTopicCreation: false, isolationLevel: READ_COMMITTED })
  }

  /**
   * Data records with `from <= offset < end`, in pieces, oldest first. EngineError LOG_BUSY when it gets no further for
   * 30 s, or the reader of the pieces sees kafkajs's own errors: try again.
   */
  async *read(topic: string, partition: number, from: number, end: number): AsyncGenerator<RawRecord[]> {
    this.#connected ??= this.#cluster.connect()
    await this.#connected
    await this.#cluster.addTargetTopic(topic)
    let next = from
    let movedMs = performance.now()
    while (next < end) {
      const fetched = this.#turn.then(() => this.#fetch(topic, partition, next))
      this.#turn = fetched.catch(() => {})
      const { messages, abortedTransactions } = await fetched
      const last = messages.at(-1)
      if (last && Number(last.offset) >= next) {
        const begin = next
        next = Number(last.offset) + 1
        movedMs = performance.now()
        const records = committed(messages, abortedTransactions ?? [])
        const wanted = records.map(toRecord).filter(({ offset }) => offset >= begin && offset < end)
        if (wanted.length > 0) yield wanted
      } else if (performance.now() - movedMs > STALL_MS_MAX)
        throw new EngineError(
          'LOG_BUSY',
          `${topic}/${partition} gives nothing from ${next} on, though it goes to ${end}`,
        )
    }
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect()
  }

  async #fetch(topic: string, partition: number, offset: number): Promise<FetchedPartition> {
    const [nodeId] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]))
    if (nodeId === undefined) {
      await this.#cluster.refreshMetadata()
      throw new EngineError('LOG_BUSY', `${topic}/${partition} has no leader`)
    }
    const broker = await this.#cluster.findBroker({ nodeId })
    const request = { partition, fetchOffset: String(offset), maxBytes: FETCH_BYTES_MAX }
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: WAIT_MS_MAX,
      maxBytes: FETCH_BYTES_MAX,
      topics: [{ topic, partitions: [request] }],
    })
    return responses[0].partitions[0]
  }
}

/** Leaves out control records and what aborted transactions wrote. */
function committed(
  messages: readonly FetchedMessage[],
  abortedTransactions: NonNullable<FetchedPartition['abortedTransactions']>,
): FetchedMessage[] {
  const ahead = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
    .sort((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<string>()
  return messages.filter(({ offset, key, isControlRecord, batchContext }) => {
    while (ahead.length > 0 && ahead[0].firstOffset <= Number(offset)) aborting.add(ahead.shift()!.producerId)
    const producer = batchContext?.producerId ?? ''
    if (isControlRecord) {
      if (key?.equals(ABORT)) aborting.delete(producer)
      return false
    }
    return !(batchContext?.inTransaction && aborting.has(producer))
  })
}

function toRecord({ offset, timestamp, key, value }: FetchedMessage): RawRecord {
  return { offset: Number(offset), timestampMs: Number(timestamp), key, value }
}
