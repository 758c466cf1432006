import type { Admin, Consumer, EachBatchPayload, Kafka, Producer } from 'kafkajs'
import type { Block, LogEntry, Mark, RuleSource } from '../../../model/block.ts'
import { encodeEntry } from '../../../model/block-codec.ts'
import type { Counter, Counters } from '../../../model/counters.ts'
import type { Stream } from '../../../model/stream.ts'
import { BlockRouter, type RoutedExchange } from '../../../plan/block-router.ts'
import { controlsOf } from '../../../plan/control-topics.ts'
import { exchangeTopic } from '../../../plan/exchange.ts'
import { reasonOf } from '../errors.ts'
import type { Gauge } from '../gauges.ts'
import { joinUnless } from '../join.ts'
import { type Logger, Occasionally } from '../log.ts'
import { PartitionReader } from '../partition-reader.ts'
import { byKey } from '../partitioner.ts'
import type { Decoder } from '../ports.ts'
import { assignedLanes } from './assignment.ts'
import { BlockWriter } from './block-writer.ts'
import { ControlLane } from './control-lane.ts'
import { deadLetter } from './dead-letter.ts'
import { isAbove, type Lane, resumeIfLow } from './lane.ts'
import { Marks } from './marks.ts'
import { choose, type SkewLimits } from './merge.ts'
import { writeRules } from './rules-control.ts'
import { type OnBadRecord, SourceLane } from './source-lane.ts'

const COMMIT_MS = 200
const REGISTRY_RETRY_MS = 1_000

export interface RouterOptions {
  readonly kafka: Kafka
  readonly group: string
  readonly streams: readonly Stream[]
  readonly exchanges: readonly RoutedExchange[]
  readonly ruleFiles: readonly RuleSource[]
  /** Partitions of each source topic; a control topic has one. */
  readonly sourcePartitions: ReadonlyMap<string, number>
  readonly dlqTopic: string
  readonly decoderOf: (stream: Stream) => Decoder
  readonly skew: SkewLimits
  readonly markIntervalMs: number
  readonly idleGraceMs: number
  readonly sessionTimeoutMs: number
  readonly counters: Counters
  readonly log: Logger
  /** Epoch ms. */
  readonly clock: () => number
}

/**
 * Source and control topics -> exchange topics, at least once: offsets are committed over acknowledged blocks only. One
 * life: `run` ends with the first failure, and another router starts from the committed offsets.
 */
export class Router {
  readonly #options: RouterOptions
  readonly #streams: readonly Stream[]
  readonly #decoders: ReadonlyMap<string, Decoder>
  readonly #routers: ReadonlyMap<string, BlockRouter>
  /** What each exchange reads: topics of streams, then of controls. */
  readonly #inputs: readonly (readonly string[])[]
  readonly #marks: Marks
  readonly #admin: Admin
  readonly #producer: Producer
  readonly #consumer: Consumer
  readonly #reader: PartitionReader
  readonly #writer: BlockWriter
  readonly #occasionally = new Occasionally(5_000)
  readonly #blocks: Counter
  readonly #marked: Counter
  readonly #routed: Counter
  #lanes: readonly SourceLane[] = []
  #controls: readonly ControlLane[] = []
  /** Those before the last join. */
  #former: readonly Lane[] = []
  #assigned: Promise<void> = Promise.resolve()
  #generation = 0
  #joined = false
  #stopped = false
  #asking: Promise<void> | null = null
  #committing: Promise<void> = Promise.resolve()
  #fail!: (error: unknown) => void
  readonly #failure: Promise<never>

  constructor(options: RouterOptions) {
    const { kafka, group, exchanges, counters, idleGraceMs, clock, dlqTopic } = options
    this.#options = options
    this.#streams = options.streams.filter(({ name }) => exchanges.some((e) => e.exchange.streams.includes(name)))
    this.#decoders = new Map(this.#streams.map((stream) => [stream.topic, options.decoderOf(stream)]))
    this.#routers = new Map(this.#streams.map((s) => [s.topic, new BlockRouter(s, exchanges, counters)]))
    this.#inputs = exchanges.map(({ exchange }) => [
      ...this.#streams.filter(({ name }) => exchange.streams.includes(name)).map(({ topic }) => topic),
      ...controlsOf(group, exchange).map(({ topic }) => topic),
    ])
    this.#marks = new Marks(idleGraceMs, clock)
    this.#admin = kafka.admin()
    this.#reader = new PartitionReader(kafka)
    this.#producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false, createPartitioner: byKey })
    this.#consumer = kafka.consumer({
      groupId: `${group}-router`,
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: Math.min(200, options.sessionTimeoutMs / 4),
      maxWaitTimeInMs: 50,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    })
    this.#failure = new Promise<never>((_, reject) => {
      this.#fail = reject
    })
    this.#failure.catch(() => {}) // whoever runs it hears of it
    const on = { sent: () => this.#pump(), failure: (error: unknown) => this.#fail(error) }
    this.#writer = new BlockWriter(this.#producer, dlqTopic, counters, on)
    this.#blocks = counters.counter('router_blocks_total')
    this.#marked = counters.counter('router_marks_total')
    this.#routed = counters.counter('router_events_total')
  }

  /** Resolves when `signal` aborts, and all is closed; rejects with whatever made it stop before. */
  async run(signal: AbortSignal): Promise<void> {
    const timers: NodeJS.Timeout[] = []
    const starting = this.#start(timers)
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    try {
      await Promise.race([starting, this.#failure, aborted])
      if (!signal.aborted) await Promise.race([this.#failure, aborted])
    } finally {
      this.#stopped = true
      await starting.catch(() => {}) // see `joinUnless`
      for (const timer of timers) clearInterval(timer)
      await this.#close()
    }
  }

  get joined(): boolean {
    return this.#joined && !this.#stopped
  }

  gauges(): Gauge[] {
    return this.#all.map((lane) => ({
      name: 'router_lag_records',
      labels: { topic: lane.topic, partition: String(lane.partition) },
      value: Math.max(0, lane.end - lane.acknowledged),
    }))
  }

  async #start(timers: NodeJS.Timeout[]): Promise<void> {
    const { group, exchanges, ruleFiles, streams, log } = this.#options
    await Promise.all([this.#admin.connect(), this.#producer.connect(), this.#consumer.connect()])
    const [admin, producer, reader] = [this.#admin, this.#producer, this.#reader]
    await writeRules({ group, exchanges, ruleFiles, streams, admin, producer, reader, log })
    const { GROUP_JOIN, CRASH, END_BATCH_PROCESS } = this.#consumer.events
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment))
    this.#consumer.on(CRASH, ({ payload }) => this.#fail(payload.error))
    this.#consumer.on(END_BATCH_PROCESS, ({ payload }) => this.#passed(payload))
    await joinUnless(() => this.#stopped, this.#consumer, [...new Set(this.#inputs.flat())], {
      eachBatch: (payload) => this.#take(payload),
    })
    timers.push(setInterval(() => this.#mark(), this.#options.markIntervalMs))
    timers.push(
      setInterval(() => {
        this.#committing = this.#commit()
      }, COMMIT_MS),
    )
  }

  get #all(): readonly (SourceLane | ControlLane)[] {
    return [...this.#controls, ...this.#lanes]
  }

  /** After each join: buffers are gone, kafkajs reads from the committed offsets again. */
  #assign(assignment: Readonly<Record<string, readonly number[]>>): void {
    if (this.#all.length > 0) this.#former = this.#all
    this.#lanes = []
    this.#controls = []
    this.#marks.clear()
    const generation = ++this.#generation
    this.#assigned = this.#made(assignment).then(({ lanes, controls }) => {
      if (generation !== this.#generation) return
      this.#lanes = lanes
      this.#controls = controls
    })
    this.#assigned.then(
      () => {
        this.#joined = true
        this.#mark()
      },
      (error) => this.#fail(error),
    )
  }

  async #made(assignment: Readonly<Record<string, readonly number[]>>) {
    const { group, exchanges, counters, log } = this.#options
    const partitionsOf = (topic: string) => assignment[topic] ?? []
    const sources = this.#streams.flatMap((stream) =>
      partitionsOf(stream.topic).map((partition) => ({ stream, topic: stream.topic, partition })),
    )
    const read = new Map(exchanges.flatMap(({ exchange }) => controlsOf(group, exchange).map((c) => [c.topic, c])))
    const broadcast = [...read.values()].flatMap((control) =>
      partitionsOf(control.topic).map((partition) => ({ control, topic: control.topic, partition })),
    )
    const common = { admin: this.#admin, groupId: `${group}-router`, counters, log }
    const lanes = await assignedLanes(sources, this.#former, {
      ...common,
      make: (id, position) => new SourceLane(id, this.#decoders.get(id.topic)!, position),
    })
    const controls = await assignedLanes(broadcast, this.#former, {
      ...common,
      make: ({ control, partition }, position) => new ControlLane(control, partition, position),
    })
    return { lanes, controls }
  }

  /** Only buffers: a fetch waits for all its batches, so nothing may wait for another partition here. */
  async #take({ batch, resolveOffset, pause, heartbeat }: EachBatchPayload): Promise<void> {
    await this.#assigned
    const lane = this.#laneOf(batch.topic, batch.partition)
    if (!lane) return
    if (lane instanceof ControlLane) await this.#read(lane, Number(batch.lastOffset()))
    else lane.push(batch.messages, Number(batch.lastOffset()))
    lane.end = Math.max(lane.end, Number(batch.highWatermark))
    resolveOffset(batch.lastOffset())
    if (isAbove(lane, 1) && !lane.resume) lane.resume = pause()
    setImmediate(() => this.#pump())
    await heartbeat()
  }

  /** Tasks write to control topics in transactions, and kafkajs leaks some that were aborted: the engine's reader does not. */
  async #read(lane: ControlLane, lastOffset: number): Promise<void> {
    const { topic, partition } = lane
    for await (const records of this.#reader.read(topic, partition, lane.fetched, lastOffset + 1)) lane.push(records)
    lane.passed(lastOffset)
  }

  /** Batches of nothing but control records never reach `eachBatch`, but are read. */
  #passed({ topic, partition, lastOffset }: { topic: string; partition: number; lastOffset: string }): void {
    void this.#assigned.then(() => this.#laneOf(topic, partition)?.passed(Number(lastOffset)))
  }

  #laneOf(topic: string, partition: number): SourceLane | ControlLane | undefined {
    return this.#all.find((lane) => lane.topic === topic && lane.partition === partition)
  }

  /** Moves what may move from the lanes to the writer: controls, then the oldest head first, cut by cut, while there is room. */
  #pump(): void {
    if (this.#stopped) return
    try {
      for (const lane of this.#controls) this.#hand(lane)
      while (this.#writer.hasRoom) {
        for (const lane of this.#lanes) this.#stage(lane)
        const lane = choose(this.#lanes, performance.now(), this.#options.skew)
        if (typeof lane === 'string') break
        this.#move(lane)
        if (this.#writer.isFull) this.#flush()
      }
      for (const lane of this.#all) this.#markIfDue(lane)
      this.#flush()
    } catch (error) {
      this.#fail(error)
    }
  }

  #flush(): void {
    for (const lane of this.#all) if (lane.routed > lane.acknowledged) this.#writer.reached(lane, lane.routed)
    this.#writer.flush()
  }

  #stage(lane: SourceLane): void {
    if (performance.now() < lane.askAgainMs) return
    const asked = lane.stage(this.#options.clock(), this.#onBad)
    asked?.then(
      () => this.#pump(),
      (error) => {
        this.#occasionally.warn(
          this.#options.log,
          { reason: reasonOf(error), topic: lane.topic },
          'waiting for the registry',
        )
        lane.askAgainMs = performance.now() + REGISTRY_RETRY_MS
        setTimeout(() => this.#pump(), REGISTRY_RETRY_MS + 1)
      },
    )
  }

  readonly #onBad: OnBadRecord = (lane, message, why) => {
    this.#options.counters.counter('dead_letters_total', { reason: why.reason, stream: lane.stream.name }).value++
    this.#writer.addDead(deadLetter(lane, message, why, this.#options.group))
  }

  #move(lane: SourceLane): void {
    const { block, from, to } = lane.cut()
    this.#routers.get(lane.topic)!.route(block, from, to, this.#emit)
    this.#routed.value += to - from
    resumeIfLow(lane)
  }

  /** What waits in a control topic goes to every partition that reads it, while there is room. */
  #hand(lane: ControlLane): void {
    while (lane.buffered > 0 && this.#writer.hasRoom) {
      const broadcast = lane.take()
      if (broadcast) this.#toAll(lane.topic, broadcast, 0)
      if (this.#writer.isFull) this.#flush()
    }
    if (lane.refused > 0) {
      this.#options.counters.counter('control_records_refused_total', { topic: lane.topic }).value += lane.refused
      lane.refused = 0
    }
    resumeIfLow(lane)
  }

  /** To every partition of each exchange that reads `topic`. */
  #toAll(topic: string, entry: LogEntry, timestampMs: number): void {
    const { group, exchanges, streams } = this.#options
    const bytes = encodeEntry(entry, streams)
    for (const [i, { exchange, partitions }] of exchanges.entries()) {
      if (!this.#inputs[i].includes(topic)) continue
      for (let p = 0; p < partitions; p++) this.#writer.add(exchangeTopic(group, exchange.id), p, bytes, timestampMs)
    }
  }

  readonly #emit = (exchange: number, partition: number, block: Block): void => {
    const { group, exchanges, streams } = this.#options
    let latestMs = Number.NEGATIVE_INFINITY
    for (const timeMs of block.timesMs) if (timeMs > latestMs) latestMs = timeMs
    this.#blocks.value++
    this.#writer.add(
      exchangeTopic(group, exchanges[exchange].exchange.id),
      partition,
      encodeEntry(block, streams),
      latestMs,
    )
  }

  /** Behind all that was routed: the writer keeps the order. */
  #markIfDue(lane: Lane): void {
    const upToMs = this.#marks.due(lane)
    if (upToMs === null) return
    const { group, exchanges, sourcePartitions, streams } = this.#options
    for (const [i, { exchange, partitions }] of exchanges.entries()) {
      if (!this.#inputs[i].includes(lane.topic)) continue
      const sources = this.#inputs[i].flatMap((topic) =>
        Array.from({ length: sourcePartitions.get(topic)! }, (_, partition) => `${topic}/${partition}`),
      )
      const mark: Mark = { kind: 'mark', sourceTopic: lane.topic, sourcePartition: lane.partition, upToMs, sources }
      const bytes = encodeEntry(mark, streams)
      for (let p = 0; p < partitions; p++) this.#writer.add(exchangeTopic(group, exchange.id), p, bytes, upToMs)
      this.#marked.value += partitions
    }
  }

  #mark(): void {
    if (this.#stopped) return
    this.#asking ??= this.#askForMarks().finally(() => {
      this.#asking = null
    })
  }

  async #askForMarks(): Promise<void> {
    try {
      await this.#marks.ask(this.#all, this.#admin)
    } catch (error) {
      this.#occasionally.warn(this.#options.log, { reason: reasonOf(error) }, 'source offsets cannot be read')
    }
    this.#pump()
  }

  async #commit(): Promise<void> {
    const lanes = this.#all.filter((lane) => lane.acknowledged > lane.committed)
    if (lanes.length === 0) return
    const offsets = lanes.map((lane) => ({ lane, offset: lane.acknowledged }))
    try {
      await this.#consumer.commitOffsets(
        offsets.map(({ lane: { topic, partition }, offset }) => ({ topic, partition, offset: String(offset) })),
      )
      for (const { lane, offset } of offsets) lane.committed = Math.max(lane.committed, offset)
    } catch (error) {
      this.#occasionally.warn(this.#options.log, { reason: reasonOf(error) }, 'source offsets cannot be committed yet')
    }
  }

  /** A request under way would connect a client again that is closed meanwhile. */
  async #close(): Promise<void> {
    await Promise.allSettled([this.#assigned, this.#asking, this.#committing])
    await this.#writer.settled()
    await this.#commit()
    const clients = [this.#producer, this.#admin].map((client) => client.disconnect())
    await Promise.allSettled([this.#consumer.disconnect(), ...clients, this.#reader.close()])
  }
}
