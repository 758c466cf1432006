import { setImmediate as turn } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import type { PutRules } from '../../model/control.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { Stream } from '../../model/stream.ts'
import type { Logger } from '../../model/telemetry.ts'
import { exchangeTopic, stateTopic } from '../../plan/exchange.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { contentsOf } from './control-contents.ts'
import { codeOf, isOperational, OFFSET_OUT_OF_RANGE, reasonOf } from './errors.ts'
import { PartitionReader } from './partition-reader.ts'
import { routerTopic } from './router-topic.ts'
import { readRulesRecord } from './rules-records.ts'
import { controlTopic } from './rules-topic.ts'
import { Skips } from './skips.ts'
import { TaskView } from './task/task-view.ts'

/**
 * What a group's topics hold, for those who look on beside its engines: nothing is joined, fenced, committed or written,
 * and no topic is made.
 */
export class GroupView {
  readonly #group: string
  readonly #brokers: string
  readonly #admin: Admin
  readonly #reader: PartitionReader
  readonly #skips: Skips
  #topics: ReadonlySet<string> = new Set()

  private constructor(connection: KafkaConnection, log: Logger) {
    const kafka = createClient(connection, log, 3)
    this.#group = connection.group
    this.#brokers = connection.brokers.join(', ')
    this.#admin = kafka.admin()
    this.#reader = new PartitionReader(kafka)
    this.#skips = new Skips(connection.group, this.#admin, this.#reader)
  }

  /**
   * Opens one for `work`, and closes it. EngineError KAFKA_UNREACHABLE where the broker does not answer, LOG_GAP where
   * records are deleted while they are read.
   */
  static async with<T>(connection: KafkaConnection, log: Logger, work: (view: GroupView) => Promise<T>): Promise<T> {
    const view = new GroupView(connection, log)
    try {
      await view.#admin.connect()
      view.#topics = new Set(await view.#admin.listTopics())
      if (view.#topics.has(routerTopic(connection.group))) await view.#skips.look()
      return await work(view)
    } catch (error) {
      if (error instanceof EngineError || !isOperational(error)) throw error
      const reason = reasonOf(error)
      if (codeOf(error) === OFFSET_OUT_OF_RANGE)
        throw new EngineError('LOG_GAP', `what was being read was deleted meanwhile; try again (${reason})`, error)
      throw new EngineError('KAFKA_UNREACHABLE', `no answer from ${view.#brokers}: ${reason}`, error)
    } finally {
      await Promise.allSettled([view.#admin.disconnect(), view.#reader.close()])
    }
  }

  /** Values of all records of those topics that are there, each partition's in order. EngineError INPUT_MISSING when none is. */
  async *values(topics: readonly string[]): AsyncGenerator<Buffer, void, undefined> {
    const there = [...new Set(topics)].filter((topic) => this.#topics.has(topic))
    if (there.length === 0) throw this.#missing(`there is no topic ${topics.join(' or ')}`)
    for (const topic of there)
      for (const { partition, low, high } of await this.#admin.fetchTopicOffsets(topic))
        for await (const records of this.#reader.read(topic, partition, Number(low), Number(high)))
          for (const { value } of records) if (value !== null) yield value
  }

  /** The rule set that the group's engines are to run. EngineError INPUT_MISSING when none ever was. */
  async rules(): Promise<PutRules> {
    const topic = controlTopic(this.#group)
    if (!this.#topics.has(topic)) throw this.#missing(`no engine of the group ${this.#group} has ever run`)
    const record = (await contentsOf(this.#admin, this.#reader, topic)).find(({ key }) => String(key) === 'rules')
    const read = record?.value ? readRulesRecord(record.key, record.value) : {}
    if (typeof read === 'string') throw this.#missing(`what stands in ${topic} is no rule set: ${read}`)
    if (!read.rules) throw this.#missing(`no rules were ever in force in the group ${this.#group}`)
    return read.rules
  }

  /** Partitions of an exchange's topic. EngineError INPUT_MISSING when there is none. */
  async partitions(exchangeId: string): Promise<number> {
    const topic = exchangeTopic(this.#group, exchangeId)
    for (const needed of [topic, stateTopic(this.#group, exchangeId)])
      if (!this.#topics.has(needed)) throw this.#missing(`there is no topic ${needed}: no engine has run with the rule`)
    const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]!.partitions.length
  }

  task(exchangeId: string, partition: number, streams: readonly Stream[]): TaskView {
    const topic = exchangeTopic(this.#group, exchangeId)
    const place = { topic, stateTopic: stateTopic(this.#group, exchangeId), partition }
    const [admin, reader, skips] = [this.#admin, this.#reader, this.#skips]
    const shared = { admin, reader, skips, groupId: `${this.#group}-task`, streams, counters: new Counters() }
    return new TaskView(place, shared, () => turn())
  }

  #missing(what: string): EngineError {
    return new EngineError('INPUT_MISSING', `${what} (at ${this.#brokers})`)
  }
}
