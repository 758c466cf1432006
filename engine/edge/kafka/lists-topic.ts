import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka, Producer } from 'kafkajs'
import type { Counters } from '../../model/counters.ts'
import type { ListItem, NamedList, RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { type ControlTopic, controlOfList } from '../../plan/control-topics.ts'
import { exchangeTopic } from '../../plan/exchange.ts'
import { planExchanges } from '../../plan/plan.ts'
import { Lists } from '../../task/lists.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { broadcastsOf, contentsOf } from './control-contents.ts'
import { type ListChange, listMessage } from './control-records.ts'
import type { Logger } from './log.ts'
import { committedOffsets } from './offsets.ts'
import { PartitionReader } from './partition-reader.ts'
import { ensureCompacted } from './topics.ts'

const LOOK_EVERY_MS = 100

/** Reads and writes the topics by which a group's lists are changed, beside its engines. */
export class ListsTopic {
  readonly #group: string
  readonly #log: Logger
  readonly #admin: Admin
  readonly #producer: Producer
  readonly #reader: PartitionReader

  constructor(connection: KafkaConnection, log: Logger) {
    const kafka: Kafka = createClient(connection, log, 3)
    this.#group = connection.group
    this.#log = log
    this.#admin = kafka.admin()
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    this.#reader = new PartitionReader(kafka)
  }

  async connect(): Promise<void> {
    await Promise.all([this.#admin.connect(), this.#producer.connect()])
  }

  /** What is on `list` at stream time `nowMs`, were all that its topic says in force. */
  async items(list: NamedList, set: RuleSet, counters: Counters, nowMs: number): Promise<ListItem[]> {
    const lists = new Lists(counters)
    lists.install(set)
    const control = await this.#controlOf(list)
    const broadcasts = control ? broadcastsOf(control, await contentsOf(this.#admin, this.#reader, control.topic)) : []
    for (const { topic, records } of broadcasts)
      for (const record of records)
        if ('list' in record && record.list === list.id) lists.receive(topic, record, -1, record.atMs)
    lists.clock = { streamMs: nowMs }
    return lists.items(list.id) ?? []
  }

  /** Writes changes; the offset behind them. */
  async put(list: NamedList, changes: readonly ListChange[]): Promise<number> {
    const control = (await this.#controlOf(list))!
    if (control.kind === 'feature') throw new TypeError('a list has no feature topic')
    const { topic, kind } = control
    const messages = changes.map((change) => ({ ...listMessage(kind, list.id, change), partition: 0 }))
    const [sent] = await this.#producer.send({ topic, messages, acks: -1 })
    return Number(sent.baseOffset) + messages.length
  }

  /** True when every task of the group has read what stands before `offset` of the list's topic; false after `waitMs`. */
  async taken(
    list: NamedList,
    offset: number,
    set: RuleSet,
    streams: readonly Stream[],
    waitMs: number,
  ): Promise<boolean> {
    const untilMs = performance.now() + waitMs
    const until = async (done: () => Promise<boolean>): Promise<boolean> => {
      while (!(await done())) {
        if (performance.now() > untilMs) return false
        await sleep(LOOK_EVERY_MS)
      }
      return true
    }
    const { topic } = (await this.#controlOf(list))!
    if (!(await until(async () => ((await this.#committed('router', topic)).get(0) ?? -1) >= offset))) return false
    for (const { id } of planExchanges(set, streams)) {
      const exchange = exchangeTopic(this.#group, id)
      const ends = await this.#admin.fetchTopicOffsets(exchange)
      const isRead = async (): Promise<boolean> => {
        const positions = await this.#committed('task', exchange)
        return ends.every(({ partition, high }) => (positions.get(partition) ?? 0) >= Number(high))
      }
      if (!(await until(isRead))) return false
    }
    return true
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#admin.disconnect(), this.#producer.disconnect(), this.#reader.close()])
  }

  #committed(role: 'router' | 'task', topic: string): Promise<Map<number, number>> {
    return committedOffsets(this.#admin, `${this.#group}-${role}`, topic)
  }

  async #controlOf(list: NamedList): Promise<ControlTopic | null> {
    const control = controlOfList(this.#group, list)
    if (control) await ensureCompacted(this.#admin, control.topic, this.#log)
    return control
  }
}
