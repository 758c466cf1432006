import type { Kafka } from 'kafkajs'
import { clusterMaker } from '../kafkajs-cluster.ts'
import { codecsReady } from './codecs.ts'
import { type FoundTopic, topicsOf } from './topics-request.ts'

/** kafkajs's own objects (2.2.4, pinned), as far as they are used here. */
export interface Broker {
  readonly nodeId: number
  /** Lowest and highest version that the broker speaks, by the number of the request. */
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>
  readonly connectionPool: { readonly pool: readonly Connection[]; send(request: object): Promise<unknown> }
  heartbeat(request: object): Promise<unknown>
  endTxn(request: object): Promise<unknown>
  listOffsets(request: object): Promise<{ responses: readonly { partitions: readonly { offset: string }[] }[] }>
  disconnect(): Promise<void>
}
interface Connection {
  socket: { readonly destroyed: boolean } | null | undefined
}
interface PartitionMetadata {
  readonly partitionId: number
  readonly leader: number
}
interface BrokerPool {
  readonly seedBroker: Broker
  readonly brokers: Readonly<Record<number, Broker>>
  metadata: { topicMetadata: readonly { topic: string; partitionMetadata: readonly PartitionMetadata[] }[] } | null
  retrier: (attempt: (bail: (error: unknown) => never, retry: number, retryMs: number) => Promise<unknown>) => unknown
  refreshMetadata(topics: readonly string[]): Promise<unknown>
  findBroker(node: { nodeId: number }): Promise<Broker>
  findConnectedBroker(): Promise<Broker>
}
interface KafkajsCluster {
  readonly brokerPool: BrokerPool
  connect(): Promise<void>
  disconnect(): Promise<void>
}

const LATEST = -1
const EARLIEST = -2

/**
 * Connections of their own to the brokers of `kafka`, and who leads which partition. Every call makes one attempt, and fails
 * with kafkajs's errors: the waiting between attempts is the caller's.
 */
export class Cluster {
  readonly #inner: KafkajsCluster
  /** By topic: the leader of each partition, -1 = none. */
  readonly #leaders = new Map<string, number[]>()
  readonly #refreshing = new Map<string, Promise<void>>()
  /** kafkajs's table of brokers bears no two refreshes at once, nor do its connections two first requests. */
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(kafka: Kafka) {
    this.#inner = clusterMaker<KafkajsCluster>(kafka).make({ metadataMaxAge: 60_000, allowAutoTopicCreation: false })
  }

  /** Reaches a broker, with kafkajs's own retries: for a caller that would rather wait here than see the first failure. */
  connect(): Promise<void> {
    return this.#inTurn(() => this.#inner.connect())
  }

  /** A broker that was reached by `connect`. */
  seed(): Broker {
    return this.#inner.brokerPool.seedBroker
  }

  /** The node that leads a partition, as last heard. Undefined: ask again after `refresh`. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.#leaders.get(topic)?.[partition]
    return leader === -1 ? undefined : leader
  }

  /** Asks who leads the partitions of a topic; calls at once share one request. */
  refresh(topic: string): Promise<void> {
    let asked = this.#refreshing.get(topic)
    if (!asked) {
      asked = this.#inTurn(() => this.#ask(topic)).finally(() => this.#refreshing.delete(topic))
      this.#refreshing.set(topic, asked)
    }
    return asked
  }

  /** What was heard of a topic's leaders turned out to be wrong. */
  forget(topic: string): void {
    this.#leaders.delete(topic)
  }

  /** A broker, connected. */
  broker(nodeId: number): Promise<Broker> {
    // each failed attempt would hang one more listener on a dead socket
    for (const connection of this.#inner.brokerPool.brokers[nodeId]?.connectionPool.pool ?? [])
      if (connection.socket?.destroyed) connection.socket = null
    return this.#inner.brokerPool.findBroker({ nodeId })
  }

  /** Those of `topics` that there are, as one broker knows them now. Null where it is too old to give ids. */
  topics(topics: readonly string[]): Promise<ReadonlyMap<string, FoundTopic> | null> {
    return this.#inTurn(async () => {
      await this.#inner.connect()
      return topicsOf(await this.#inner.brokerPool.findConnectedBroker(), topics)
    })
  }

  /** The first offset that a partition still holds, and the one behind its last, whoever may see it. */
  bounds(topic: string, partition: number): Promise<{ low: number; high: number }> {
    return this.#inTurn(async () => {
      const broker = await this.broker(this.leaderOf(topic, partition) ?? -1)
      const at = async (timestamp: number) => {
        const topics = [{ topic, partitions: [{ partition, timestamp }] }]
        const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel: 0, topics })
        return Number(responses[0].partitions[0].offset)
      }
      return { low: await at(EARLIEST), high: await at(LATEST) }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#turn
    await this.#inner.disconnect()
  }

  async #ask(topic: string): Promise<void> {
    await codecsReady() // nothing is fetched before this
    const { brokerPool } = this.#inner
    const retrier = brokerPool.retrier
    brokerPool.retrier = once
    try {
      await this.#inner.connect()
      await brokerPool.refreshMetadata([topic])
    } finally {
      brokerPool.retrier = retrier
    }
    const leaders: number[] = []
    for (const { partitionId, leader } of brokerPool.metadata?.topicMetadata[0]?.partitionMetadata ?? [])
      leaders[partitionId] = leader
    this.#leaders.set(topic, leaders)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => {
      if (this.#closed) throw new Error('closed')
      return work()
    })
    this.#turn = done.catch(() => {})
    return done
  }
}

/** In place of kafkajs's own waiting, which would hold up the other topics for seconds. */
function once<T>(attempt: (bail: (error: unknown) => never, retry: number, retryMs: number) => T): T {
  return attempt(
    (error) => {
      throw error
    },
    0,
    0,
  )
}
