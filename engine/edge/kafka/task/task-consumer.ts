import { setImmediate as turn } from 'node:timers/promises'
import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { Subject } from 'rxjs'
import type { Counters } from '../../../model/counters.ts'
import { EngineError } from '../../../model/errors.ts'
import type { Stream } from '../../../model/stream.ts'
import type { RoutedExchange } from '../../../plan/block-router.ts'
import { exchangeTopic, stateTopic } from '../../../plan/exchange.ts'
import { hashText } from '../../../plan/partition.ts'
import { isOperational } from '../errors.ts'
import type { Gauge } from '../gauges.ts'
import { joinUnless } from '../join.ts'
import type { Logger } from '../log.ts'
import { committedOffsets } from '../offsets.ts'
import { PartitionReader } from '../partition-reader.ts'
import type { Encoder, TaskKeep } from '../ports.ts'
import { KafkaTaskLog, type TaskPlace } from './kafka-task-log.ts'
import type { OutputTopics } from './outputs.ts'
import { perPartition, type Work } from './per-partition.ts'
import { TaskLane } from './task-lane.ts'

export interface TaskConsumerOptions {
  readonly kafka: Kafka
  /** A client of its own for the transactional producers. */
  readonly producerKafka: Kafka
  readonly group: string
  readonly streams: readonly Stream[]
  readonly exchanges: readonly RoutedExchange[]
  readonly outputs: OutputTopics
  readonly encoder: Encoder
  readonly sessionTimeoutMs: number
  readonly retentionMs: number
  /** By exchange topic and partition; one at a time of each. */
  readonly keepOf: (topic: string, partition: number) => TaskKeep
  readonly counters: Counters
  readonly log: Logger
}

/** Runs the tasks of the exchange partitions that the group gives to this member. One life, like the router. */
export class TaskConsumer {
  readonly #options: TaskConsumerOptions
  readonly #consumer: Consumer
  readonly #admin: Admin
  readonly #reader: PartitionReader
  readonly #work = new Subject<Work<EachBatchPayload>>()
  readonly #lanes = new Map<string, TaskLane>()
  /** Lanes that were let go of and have not yet let go of their partition's folder. */
  readonly #closing = new Map<string, Promise<void>>()
  readonly #heartbeatMs: number
  #owned: ReadonlySet<string> = new Set()
  /** Of those, the ones that had something to read at the last join; null until that is known. */
  #unread: ReadonlySet<string> | null = null
  #looking: Promise<void> = Promise.resolve()
  #joined = false
  #stopped = false
  #fail!: (error: unknown) => void
  readonly #failure: Promise<never>

  constructor(options: TaskConsumerOptions) {
    const { kafka, group, sessionTimeoutMs } = options
    this.#options = options
    this.#heartbeatMs = Math.min(200, sessionTimeoutMs / 4)
    this.#admin = kafka.admin()
    this.#reader = new PartitionReader(kafka)
    this.#consumer = kafka.consumer({
      groupId: `${group}-task`,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: this.#heartbeatMs,
      maxWaitTimeInMs: 50,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    })
    this.#failure = new Promise<never>((_, reject) => {
      this.#fail = reject
    })
    this.#failure.catch(() => {})
  }

  /** Resolves when `signal` aborts, and all is closed; rejects with whatever made it stop before. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    const starting = this.#start()
    const running = perPartition(this.#work, (payload) => this.#process(payload)).subscribe()
    try {
      await Promise.race([starting, this.#failure, aborted])
      if (!signal.aborted) await Promise.race([this.#failure, aborted])
    } finally {
      this.#stopped = true
      await starting.catch(() => {}) // see `joinUnless`
      await Promise.allSettled([this.#consumer.disconnect(), this.#looking])
      running.unsubscribe()
      const lanes = [...this.#lanes.values()].map((lane) => lane.close())
      await Promise.allSettled([...lanes, ...this.#closing.values(), this.#admin.disconnect(), this.#reader.close()])
    }
  }

  get joined(): boolean {
    return this.#joined && !this.#stopped
  }

  /** Why not all tasks are at work; null = they are. A partition without anything to read has none yet. */
  get trouble(): string | null {
    if (!this.joined || this.#unread === null) return 'the tasks have not joined their group yet'
    const names = new Set([...this.#unread, ...this.#lanes.keys()])
    const missing = [...names].filter((name) => !this.#lanes.get(name)?.isReady).length
    return missing === 0 ? null : `the state of ${missing} of ${names.size} tasks is being taken up`
  }

  gauges(): Gauge[] {
    return [...this.#lanes].flatMap(([name, lane]) => {
      const labels = { partition: name }
      const gauge = (name: string, value: number): Gauge => ({ name, labels, value })
      return [
        gauge('task_lag_records', lane.lag),
        ...(lane.streamMs === null ? [] : [gauge('task_stream_time_ms', lane.streamMs)]),
        ...lane.gauges().map(({ name: of, value }) => gauge(of, value)),
      ]
    })
  }

  async #start(): Promise<void> {
    const { group, exchanges } = this.#options
    await Promise.all([this.#admin.connect(), this.#consumer.connect()])
    const { GROUP_JOIN, CRASH } = this.#consumer.events
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment))
    this.#consumer.on(CRASH, ({ payload }) => this.#fail(payload.error))
    const topics = exchanges.map(({ exchange }) => exchangeTopic(group, exchange.id))
    await joinUnless(() => this.#stopped, this.#consumer, topics, {
      partitionsConsumedConcurrently: exchanges.reduce((sum, { partitions }) => sum + partitions, 0),
      eachBatch: (batch) => this.#enqueue(batch),
    })
  }

  #enqueue(batch: EachBatchPayload): Promise<void> {
    const partition = `${batch.batch.topic}/${batch.batch.partition}`
    return new Promise((resolve, reject) => this.#work.next({ partition, batch, resolve, reject }))
  }

  /** Tasks that stay here keep their memory, but look again who has committed what; others are let go. */
  #assign(assignment: Readonly<Record<string, readonly number[]>>): void {
    this.#owned = new Set(Object.entries(assignment).flatMap(([topic, list]) => list.map((p) => `${topic}/${p}`)))
    for (const [name, lane] of this.#lanes) {
      lane.rejoined()
      if (this.#owned.has(name)) continue
      this.#lanes.delete(name)
      const closed = lane.close().then(
        () => void this.#closing.delete(name),
        (error: unknown) => this.#fail(error),
      )
      this.#closing.set(name, closed)
    }
    this.#joined = true
    this.#unread = null
    this.#looking = this.#look(assignment, this.#owned).catch((error: unknown) => this.#fail(error))
  }

  async #look(assignment: Readonly<Record<string, readonly number[]>>, owned: ReadonlySet<string>): Promise<void> {
    const unread = new Set<string>()
    for (const topic of Object.keys(assignment)) {
      const committed = await committedOffsets(this.#admin, `${this.#options.group}-task`, topic)
      for (const { partition, high, low } of await this.#admin.fetchTopicOffsets(topic))
        if (Number(high) > (committed.get(partition) ?? Number(low))) unread.add(`${topic}/${partition}`)
    }
    if (owned === this.#owned) this.#unread = new Set([...unread].filter((name) => owned.has(name)))
  }

  async #process({ batch, heartbeat, resolveOffset, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch
    await this.#closing.get(`${topic}/${partition}`)
    if (!isRunning() || isStale() || !this.#owned.has(`${topic}/${partition}`)) return
    const lane = this.#laneOf(topic, partition, heartbeat)
    lane.highWatermark = Number(batch.highWatermark)
    const outcome = await this.#guarded(lane.process(batch.messages, heartbeat))
    if (outcome.next === 'on') resolveOffset(batch.lastOffset())
    else if (outcome.next === 'seek') this.#consumer.seek({ topic, partition, offset: String(outcome.offset) })
  }

  /** kafkajs tries a batch again whatever went wrong; what is not Kafka's does not get better by that. */
  async #guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof EngineError ? !error.canRetry : !isOperational(error)) this.#fail(error)
      throw error
    }
  }

  #laneOf(topic: string, partition: number, heartbeat: () => Promise<void>): TaskLane {
    const name = `${topic}/${partition}`
    const known = this.#lanes.get(name)
    if (known) return known
    const { group, exchanges, counters, log, retentionMs, keepOf } = this.#options
    const { exchange } = exchanges.find((one) => exchangeTopic(group, one.exchange.id) === topic)!
    const place: TaskPlace = {
      topic,
      stateTopic: stateTopic(group, exchange.id),
      partition,
      taskIndex: hashText(exchange.id) + partition,
    }
    const shared = { ...this.#options, admin: this.#admin, reader: this.#reader, groupId: `${group}-task` }
    const breathe = async () => {
      await heartbeat()
      await turn()
    }
    const lane = new TaskLane({
      log: new KafkaTaskLog(place, shared, breathe),
      keep: keepOf(topic, partition),
      logger: log,
      heartbeatMs: this.#heartbeatMs + 10,
      retentionMs,
      rebuilds: counters.counter('task_rebuilds_total'),
    })
    this.#lanes.set(name, lane)
    return lane
  }
}
