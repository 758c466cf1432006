import type { Admin, Kafka, Producer } from 'kafkajs'
import type { Observable, Subscription } from 'rxjs'
import type { Mark, RuleSource } from '../../../model/block.ts'
import type { Counter } from '../../../model/counters.ts'
import { sourceName, topicOf } from '../../../model/source-position.ts'
import type { Stream } from '../../../model/stream.ts'
import type { Gauge } from '../../../model/telemetry.ts'
import { controlsOf } from '../../../plan/control-topics.ts'
import { exchangeTopic } from '../../../plan/exchange.ts'
import { Fetcher } from '../fetch/fetcher.ts'
import { Membership } from '../membership.ts'
import { PartitionReader } from '../partition-reader.ts'
import { byKey } from '../partitioner.ts'
import { brokerClock, noteTopics, readNotes } from '../router-topic.ts'
import { Skips } from '../skips.ts'
import { deadLetter } from './dead-letter.ts'
import { ExchangeWriter } from './exchange-writer.ts'
import type { Lane } from './lane.ts'
import type { Merged } from './merged.ts'
import { writeRules } from './rules-control.ts'
import { Sources, type SourcesOptions } from './sources.ts'

export interface RouterOptions
  extends Omit<SourcesOptions, 'admin' | 'fetcher' | 'membership' | 'skips' | 'brokerClock'> {
  readonly kafka: Kafka
  readonly ruleFiles: readonly RuleSource[]
  /** Partitions of each source topic; a control topic has one. */
  readonly sourcePartitions: ReadonlyMap<string, number>
  readonly dlqTopic: string
  readonly sessionTimeoutMs: number
}

/**
 * Source and control topics -> exchange topics, at least once: offsets are committed over acknowledged batches only. One
 * life: it ends with the first failure, and another router starts from the committed offsets.
 */
export class Router {
  readonly sources: Sources
  readonly #options: RouterOptions
  readonly #streams: readonly Stream[]
  /** What each exchange reads: topics of streams, then of controls. */
  readonly #inputs: readonly (readonly string[])[]
  readonly #admin: Admin
  readonly #producer: Producer
  readonly #membership: Membership
  readonly #fetcher: Fetcher
  readonly #reader: PartitionReader
  readonly #writer: ExchangeWriter
  readonly #marked: Counter
  readonly #routed: Counter
  readonly #assigned: Subscription
  #stopped = false

  constructor(options: RouterOptions) {
    const { kafka, group, exchanges, counters, dlqTopic, streams, sessionTimeoutMs } = options
    this.#options = options
    this.#streams = streams.filter(({ name }) => exchanges.some((e) => e.exchange.streams.includes(name)))
    this.#inputs = exchanges.map(({ exchange }) => [
      ...this.#streams.filter(({ name }) => exchange.streams.includes(name)).map(({ topic }) => topic),
      ...controlsOf(group, exchange).map(({ topic }) => topic),
    ])
    this.#admin = kafka.admin()
    this.#reader = new PartitionReader(kafka)
    this.#fetcher = new Fetcher(kafka)
    this.#producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false, createPartitioner: byKey })
    const topics = [...new Set(this.#inputs.flat())]
    this.#membership = new Membership({ kafka, groupId: `${group}-router`, topics, sessionTimeoutMs })
    const placed = exchanges.map((routed) => ({ ...routed, topic: exchangeTopic(group, routed.exchange.id) }))
    this.#writer = new ExchangeWriter(this.#producer, placed, { dlqTopic, streams, counters })
    this.sources = new Sources({
      ...options,
      streams: this.#streams,
      admin: this.#admin,
      fetcher: this.#fetcher,
      membership: this.#membership,
      skips: new Skips(group, this.#admin, this.#reader),
      brokerClock: () => brokerClock(this.#producer, group),
    })
    this.#assigned = this.#membership.assigned$.subscribe({
      next: (assignment) => void this.sources.assign(assignment).catch((error: unknown) => this.#writer.fail(error)),
      error: (error: unknown) => this.#writer.fail(error),
    })
    this.#marked = counters.counter('router_marks_total')
    this.#routed = counters.counter('router_events_total')
  }

  get joined(): boolean {
    return this.sources.joined && !this.#stopped
  }

  /** After each send that was acknowledged. */
  get acknowledged$(): Observable<void> {
    return this.#writer.acknowledged$
  }

  /** How far each partition that is read here is acknowledged by the exchanges, and whether records wait behind that. */
  progress(): { readonly partition: string; readonly committed: number; readonly waits: boolean }[] {
    return this.sources.lanes.map(({ topic, partition, acknowledged, end }) => ({
      ...{ partition: `${topic}/${partition}`, committed: acknowledged, waits: end > acknowledged },
    }))
  }

  gauges(): Gauge[] {
    return this.sources.lanes.map((lane) => ({
      name: 'router_lag_records',
      labels: { topic: lane.topic, partition: String(lane.partition) },
      value: Math.max(0, lane.end - lane.acknowledged),
    }))
  }

  /** Puts the rule set in force in the exchanges, then joins the group. */
  async open(): Promise<void> {
    const { group, exchanges, ruleFiles, streams, counters, log, topics } = this.#options
    const [admin, producer, reader] = [this.#admin, this.#producer, this.#reader]
    await Promise.all([admin.connect(), producer.connect()])
    const ids = topics?.ids ?? new Map<string, string>()
    const noted = await readNotes(group, admin, reader)
    await noteTopics(noted, ids, { group, producer, counters, log })
    await writeRules({ group, exchanges, ruleFiles, streams, noted, ids, admin, producer, reader, log })
    if (!this.#stopped) await this.#membership.join()
  }

  /** Hands what was merged to the writer; resolves when there is room for more. */
  accept(merged: Merged): Promise<void> {
    for (const broadcast of merged.broadcasts)
      for (const exchange of this.#readers(topicOf(broadcast.topic))) this.#writer.addToAll(exchange, broadcast, 0)
    for (let i = 0; i < merged.staged.length; i++) {
      const end = merged.stretches[2 * i + 1]
      for (let row = merged.stretches[2 * i]; row < end; row++) this.#writer.addRow(merged.staged[i], row)
    }
    this.#routed.value += merged.rows
    for (const bad of merged.badRecords) this.#writer.addDead(deadLetter(bad, this.#options.group))
    for (const { lane, upToMs } of merged.marks) this.#mark(lane, upToMs)
    for (const [lane, offset] of merged.offsets) this.#writer.reached(lane, offset)
    return this.#writer.accept(merged.isIdle)
  }

  /** What was acknowledged is committed once more. */
  async close(): Promise<void> {
    this.#stopped = true
    this.#assigned.unsubscribe()
    await this.#writer.settled()
    await this.sources.settled()
    await this.sources.commit()
    const clients = [this.#producer.disconnect(), this.#admin.disconnect(), this.#reader.close(), this.#fetcher.close()]
    await Promise.allSettled([this.#membership.leave(), ...clients])
  }

  #mark(lane: Lane, upToMs: number): void {
    const { sourcePartitions, exchanges } = this.#options
    const partitionsOf = (topic: string) =>
      Array.from({ length: sourcePartitions.get(topic)! }, (_, partition) => `${this.#nameOf(topic)}/${partition}`)
    for (const exchange of this.#readers(lane.topic)) {
      const sources = this.#inputs[exchange].flatMap(partitionsOf)
      const sourceTopic = sourceName(lane.topic, lane.topicId)
      const mark: Mark = { kind: 'mark', sourceTopic, sourcePartition: lane.partition, upToMs, sources }
      this.#writer.addToAll(exchange, mark, upToMs)
      this.#marked.value += exchanges[exchange].partitions
    }
  }

  /** As the log has it. */
  #nameOf(topic: string): string {
    return sourceName(topic, this.#options.topics?.idOf(topic) ?? '')
  }

  /** Exchanges that read a topic. */
  #readers(topic: string): number[] {
    return this.#inputs.flatMap((inputs, exchange) => (inputs.includes(topic) ? [exchange] : []))
  }
}
