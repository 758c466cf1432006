import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { RECORD_BYTES_MAX } from '../../engine/edge/kafka/topics.ts'
import { exchangeTopic, stateTopic } from '../../engine/plan/exchange.ts'
import { startKafka } from '../../scripts/kafka/cluster.ts'
import { javaMissing } from '../../scripts/kafka/libs.ts'
import { plainKafka } from './client.ts'

/** A broker as one would run it, not the tests' small one that is quick to start. */
const JVM = ['-Xms1g', '-Xmx1g']
const SEGMENT_BYTES = 256 << 20

/** The benchmark's broker, or another one: then what topics take on disk is not known. */
export class BenchBroker {
  readonly brokers: readonly string[]
  /** Process of the broker; null where it is another one. */
  readonly pid: number | null
  readonly #folder: string | null
  readonly #stop: () => Promise<void>
  readonly #admin: Admin

  private constructor(brokers: readonly string[], own: { pid: number; dir: string; stop(): Promise<void> } | null) {
    this.brokers = brokers
    this.pid = own?.pid ?? null
    this.#folder = own && join(own.dir, 'n1')
    this.#stop = own ? () => own.stop() : async () => {}
    this.#admin = plainKafka(brokers, 'bench').admin()
  }

  /** Null, with one line, where Java or Maven are missing and no other broker is given; with CI=true an error. */
  static async open(others: readonly string[] | null): Promise<BenchBroker | null> {
    const missing = others ? null : await javaMissing()
    if (missing !== null) {
      const line = `the Kafka benchmark is skipped: ${missing}, and no --brokers are given`
      if (process.env.CI === 'true') throw new Error(line)
      console.warn(line)
      return null
    }
    const cluster = others ? null : await startKafka({ jvm: JVM })
    const own = cluster && { pid: cluster.pids[0], dir: cluster.dir, stop: () => cluster.stop() }
    const broker = new BenchBroker(others ?? cluster!.brokers, own)
    await broker.#admin.connect()
    return broker
  }

  /** Topics that keep their records whatever the records' time is: name -> partitions. */
  async create(topics: Readonly<Record<string, number>>): Promise<void> {
    const configEntries = [
      { name: 'retention.ms', value: '-1' },
      { name: 'segment.bytes', value: String(SEGMENT_BYTES) },
    ]
    const wanted = Object.entries(topics).map(([topic, numPartitions]) => ({ topic, numPartitions, configEntries }))
    await this.#admin.createTopics({ topics: wanted, waitForLeaders: false })
    while (!(await this.#led(Object.keys(topics)))) await sleep(50)
  }

  /** An exchange of the engine's group and the topic of its state, with as many tasks: it keeps what is there. */
  async createExchange(group: string, id: string, numPartitions: number): Promise<void> {
    const topic = (name: string, policy: string) => ({
      ...{ topic: name, numPartitions },
      configEntries: [
        { name: 'cleanup.policy', value: policy },
        { name: 'retention.ms', value: '-1' },
        { name: 'max.message.bytes', value: String(RECORD_BYTES_MAX) },
      ],
    })
    const [log, state] = [exchangeTopic(group, id), stateTopic(group, id)]
    await this.#admin.createTopics({ waitForLeaders: false, topics: [topic(log, 'delete'), topic(state, 'compact')] })
    while (!(await this.#led([log, state]))) await sleep(50)
  }

  /** kafkajs's own wait for leaders ends with an error where the broker has not heard of a topic yet. */
  async #led(names: readonly string[]): Promise<boolean> {
    try {
      const { topics } = await this.#admin.fetchTopicMetadata({ topics: [...names] })
      return topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))
    } catch (error) {
      if ((error as { retriable?: boolean }).retriable) return false
      throw error
    }
  }

  /** All topics whose names begin so. */
  async remove(prefix: string): Promise<void> {
    const topics = (await this.#admin.listTopics()).filter((topic) => topic.startsWith(prefix))
    if (topics.length > 0) await this.#admin.deleteTopics({ topics })
  }

  /** Bytes of the log of each topic whose name begins so, as the broker keeps them (compressed, with their batches' heads). */
  bytes(prefix: string): Map<string, number> {
    const sums = new Map<string, number>()
    if (this.#folder === null) return sums
    for (const name of readdirSync(this.#folder).filter((one) => one.startsWith(prefix) && /-\d+$/.test(one))) {
      const topic = name.slice(0, name.lastIndexOf('-'))
      sums.set(topic, (sums.get(topic) ?? 0) + logBytes(join(this.#folder, name)))
    }
    return sums
  }

  async close(): Promise<void> {
    await this.#admin.disconnect()
    await this.#stop()
  }
}

function logBytes(folder: string): number {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}
