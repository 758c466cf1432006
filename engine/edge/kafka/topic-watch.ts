import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import { reasonOf } from './errors.ts'
import { Cluster } from './fetch/cluster.ts'
import type { FoundTopic } from './fetch/topics-request.ts'
import { Occasionally } from './log.ts'
import type { PartitionCounts } from './topics.ts'

const LOOK_EVERY_MS = 500
/** Looks in a row that say so: one broker may not have heard yet of what another one did. */
const LOOKS_TO_BELIEVE = 2
const OPEN_TRIES = 50
const OPEN_RETRY_MS = 100

/**
 * Whether topics are still those that a life of the engine began with: a topic that is deleted and made again has the same
 * name and another id, and its offsets begin anew; partitions may be added. Brokers before Kafka 3.1 give no ids: nothing is
 * noticed there.
 */
export class TopicWatch {
  readonly #cluster: Cluster
  readonly #log: Logger
  readonly #occasionally = new Occasionally(30_000)
  #began: ReadonlyMap<string, FoundTopic> = new Map()
  #differing = 0

  private constructor(kafka: Kafka, log: Logger) {
    this.#cluster = new Cluster(kafka)
    this.#log = log
  }

  /** EngineError LOG_BUSY where a topic is gone again, or has not these partitions. */
  static async open(kafka: Kafka, counts: PartitionCounts, log: Logger): Promise<TopicWatch> {
    const watch = new TopicWatch(kafka, log)
    try {
      await watch.#cluster.connect()
      await watch.#begin(counts)
      return watch
    } catch (error) {
      await watch.close()
      throw error
    }
  }

  /** 32 hexadecimal digits; empty = not known. */
  idOf(topic: string): string {
    return this.#began.get(topic)?.id ?? ''
  }

  get ids(): ReadonlyMap<string, string> {
    return new Map([...this.#began].map(([topic, { id }]) => [topic, id]))
  }

  /** Asks a broker: false where a topic is another one, is gone, or has other partitions. Rejects with kafkajs's errors. */
  async look(): Promise<boolean> {
    const found = await this.#cluster.topics([...this.#began.keys()])
    const isSame = found === null || this.#differences(found).length === 0
    this.#differing = isSame ? 0 : this.#differing + 1
    if (found !== null && this.#differing === LOOKS_TO_BELIEVE)
      for (const difference of this.#differences(found))
        this.#log.warn(difference, 'topics have changed; starting anew')
    return isSame
  }

  /** Resolves when a topic has changed, or at `signal`. */
  async changed(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#differing < LOOKS_TO_BELIEVE) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
      try {
        if (!signal.aborted) await this.look()
      } catch (error) {
        this.#occasionally.warn(this.#log, { reason: reasonOf(error) }, 'whether topics have changed cannot be seen')
      }
    }
  }

  async close(): Promise<void> {
    await this.#cluster.close().catch(() => {})
  }

  async #begin(counts: PartitionCounts): Promise<void> {
    const topics = [...counts.keys()]
    for (let tries = 1; ; tries++) {
      const found = await this.#cluster.topics(topics)
      const other = found && topics.find((topic) => found.get(topic)?.partitions !== counts.get(topic))
      if (!other) {
        this.#began = found ?? new Map()
        return
      }
      if (tries === OPEN_TRIES) throw new EngineError('LOG_BUSY', `the topic ${other} is changing`)
      await sleep(OPEN_RETRY_MS)
    }
  }

  #differences(found: ReadonlyMap<string, FoundTopic>): object[] {
    return [...this.#began].flatMap(([topic, was]) => {
      const is = found.get(topic)
      if (!is) return { topic, what: 'deleted' }
      if (is.id !== was.id) return { topic, what: 'deleted and made again', id: is.id, was: was.id }
      if (is.partitions !== was.partitions)
        return { topic, what: 'partitions added', partitions: is.partitions, were: was.partitions }
      return []
    })
  }
}
