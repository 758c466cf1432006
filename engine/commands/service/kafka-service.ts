import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastValueFrom, merge, Subject, tap } from 'rxjs'
import { createClient, type KafkaConnection } from '../../edge/kafka/client.ts'
import { isNotAllowed, isOperational, noAnswer, reasonOf } from '../../edge/kafka/errors.ts'
import type { Decoder, Encoder, TaskKeep } from '../../edge/kafka/ports.ts'
import { missingRights } from '../../edge/kafka/rights.ts'
import { Router } from '../../edge/kafka/router/router.ts'
import { Tasks } from '../../edge/kafka/task/tasks.ts'
import { TopicWatch } from '../../edge/kafka/topic-watch.ts'
import { type PartitionCounts, prepareTopics } from '../../edge/kafka/topics.ts'
import type { RuleSource } from '../../model/block.ts'
import type { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { Stream } from '../../model/stream.ts'
import type { Gauge, Logger } from '../../model/telemetry.ts'
import { type Processed, processingAll, routing } from '../../pipeline.ts'
import { type Exchange, exchangeTopic } from '../../plan/exchange.ts'
import type { RoutedExchange } from '../../plan/placing.ts'
import { planExchanges } from '../../plan/plan.ts'
import type { Task } from '../../task/task.ts'
import { countOutputs } from './count-outputs.ts'
import { KafkaRules } from './kafka-rules.ts'
import { ProgressWatch } from './progress.ts'
import type { Ready, Service } from './service.ts'
import { taskGauges } from './task-gauges.ts'

const RETRY_MS = 2_000
const WATCH_MS = 1_000
const STOP_MS_MAX = 1_800

/** How much of an exchange is kept behind stream time, at least, ms; rebuilds keep what they need. */
const EXCHANGE_RETENTION_MS = 86_400_000

export interface KafkaServiceOptions {
  /** `config.log`, where its kind is `kafka`. */
  readonly connection: KafkaConnection
  /** `config.time`. */
  readonly time: {
    readonly maxSkewMs: number
    readonly maxWaitMs: number
    readonly markIntervalMs: number
    readonly idleGraceMs: number
  }
  readonly streams: readonly Stream[]
  /** `config.outputs`. */
  readonly outputs: Readonly<Record<'alerts' | 'shadow' | 'rankings' | 'dlq', string>>
  readonly ruleFiles: readonly RuleSource[]
  /** Reads the configured files anew. Default: `ruleFiles` as they are. */
  readonly read?: () => readonly RuleSource[]
  /** What the task of an exchange topic's partition keeps on disk. Closed before it is asked for again. */
  readonly keepOf: (topic: string, partition: number) => TaskKeep
  /** A decoder for the records of a stream's topic: `new RecordDecoder(stream, schemas)` of the registry edge. */
  readonly decoderOf: (stream: Stream) => Decoder
  /** The encoder of outputs; asked for at the start, again until the registry answers. */
  readonly encoder: () => Promise<Encoder>
  readonly counters: Counters
  readonly log: Logger
  /** Epoch ms; default: the machine's. */
  readonly clock?: () => number
  /** `config.exchange`: partitions of a new exchange; one that exists keeps its number. Default 4. */
  readonly exchangePartitions?: number
  /** After so long without a sign of life the group gives our partitions away. Default 10 s, ms. */
  readonly sessionTimeoutMs?: number
  /** Create the output topics where they are missing. Default true; sources are never created. */
  readonly createOutputs?: boolean
}

/**
 * The engine on Kafka: routers and tasks of one process. It waits for brokers, topics and registry, says so every few
 * seconds, and begins anew after any failure; committed offsets and transactions make that harmless. A configuration that
 * these topics are not made for is no failure to wait out: it goes back to the rules before, or ends.
 */
export class KafkaService implements Service {
  readonly counters: Counters
  readonly #options: KafkaServiceOptions
  readonly rules: KafkaRules
  readonly committed$ = new Subject<Processed>()
  readonly #stopping = new AbortController()
  readonly #clock: () => number
  #running: Promise<void> = Promise.resolve()
  #router: Router | null = null
  #tasks: Tasks | null = null
  #trouble: string | null = 'starting'
  readonly #known = new Set<string>()
  readonly #progress = new ProgressWatch()

  /** EngineError RULES_INVALID with every fault, if the rule files do not compile or say nothing to do. */
  constructor(options: KafkaServiceOptions) {
    this.#options = options
    this.counters = options.counters
    this.#clock = options.clock ?? Date.now
    const { ruleFiles, read = () => ruleFiles, log: logger } = options
    this.rules = new KafkaRules(ruleFiles, { ...options, logger, read, clock: this.#clock })
  }

  get exchanges(): readonly Exchange[] {
    return planExchanges(this.rules.set, this.#options.streams)
  }

  /** Works until `stop`; `ready` tells when. Rejects with CONFIG_INVALID where waiting does not help. */
  start(): Promise<void> {
    const watch = setInterval(() => this.#watch(), WATCH_MS).unref()
    this.#running = this.#live().finally(() => clearInterval(watch))
    return this.#running
  }

  get done(): Promise<void> {
    return this.#running
  }

  /** The tasks at work here, by partition. */
  tasks(): ReadonlyMap<string, Task> {
    const owned = [...(this.#tasks?.owned ?? [])]
    return new Map(owned.flatMap(([name, { task }]) => (task ? [[name, task]] : [])))
  }

  ready(): Ready {
    const { rules, trouble } = this.rules.status()
    if (this.#trouble !== null) return { ok: false, detail: this.#trouble, rules }
    if (!this.#router?.joined) return { ok: false, detail: 'the router has not joined its group yet', rules }
    const stuck = this.#router.sources.trouble
    if (stuck !== null) return { ok: false, detail: `a source partition cannot be read any further: ${stuck}`, rules }
    const waiting = this.#tasks ? this.#tasks.trouble : 'starting'
    if (waiting !== null) return { ok: false, detail: waiting, rules }
    const still = this.#progress.trouble()
    if (still !== null) return { ok: false, detail: still, rules }
    return { ok: true, detail: trouble === null ? 'consuming' : `consuming; ${trouble}`, rules }
  }

  gauges(): Gauge[] {
    const tasks = [...this.tasks()].flatMap(([partition, task]) => taskGauges(task, { partition }))
    return [
      ...this.#progress.gauges(),
      ...this.rules.gauges(),
      ...(this.#router?.gauges() ?? []),
      ...(this.#tasks?.gauges() ?? []),
      ...tasks,
    ]
  }

  /** Within 2 s, in order if the broker answers in time; what was not committed is done again at the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const late = sleep(STOP_MS_MAX, 'late', { ref: false })
    const ended = this.#running.catch(() => {}) // whoever started it hears of it
    if ((await Promise.race([ended, late])) === 'late')
      this.#options.log.warn({}, 'stopped without waiting for the broker any longer')
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#life()
        if (!signal.aborted) this.#trouble = 'starting anew with the changed rules or topics'
        continue
      } catch (error) {
        if (signal.aborted) return
        if (!isOperational(error)) throw error // a mistake in the program: nobody handles it, so the process stops
        this.#trouble = await this.#why(error)
        if (error instanceof EngineError && error.code === 'CONFIG_INVALID') {
          if (this.rules.giveUp(error.message)) continue
          throw error
        }
        const { brokers } = this.#options.connection
        this.#options.log.warn({ brokers, reason: this.#trouble }, 'Kafka is not usable; trying again')
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {}) // cut short by stop()
    }
  }

  /** From the first connection to the first failure, or to a change of the rules or topics: routes and exchanges may be others then. */
  async #life(): Promise<void> {
    const { connection, log, encoder: askEncoder } = this.#options
    await this.rules.agree()
    const counts = await this.#prepare()
    this.rules.settled()
    const encoder = await askEncoder()
    const written = new Set(Object.values(this.#options.outputs))
    const read = new Map([...counts].filter(([topic]) => !written.has(topic)))
    const topics = await TopicWatch.open(createClient(connection, log, 1), read, log)
    try {
      await this.#route(counts, topics, encoder)
    } finally {
      await topics.close()
    }
  }

  async #route(counts: PartitionCounts, topics: TopicWatch, encoder: Encoder): Promise<void> {
    const { connection, log, streams, counters } = this.#options
    const exchanges: RoutedExchange[] = this.exchanges.map((exchange) => ({
      exchange,
      partitions: counts.get(exchangeTopic(connection.group, exchange.id))!,
    }))
    const { time, outputs, decoderOf, sessionTimeoutMs = 10_000 } = this.#options
    const { group } = connection
    const common = { group, streams, exchanges, counters, log, sessionTimeoutMs }
    const router = new Router({
      ...common,
      kafka: createClient(connection, log),
      ruleFiles: this.rules.files,
      sourcePartitions: counts,
      dlqTopic: outputs.dlq,
      decoderOf,
      skew: time,
      markIntervalMs: time.markIntervalMs,
      idleGraceMs: time.idleGraceMs,
      clock: this.#clock,
      topics,
    })
    const topicOf = (topic: string) => ({ topic, partitions: counts.get(topic)! })
    const { alerts, shadow, rankings } = outputs
    const tasks = new Tasks({
      ...common,
      keepOf: this.#options.keepOf,
      kafka: createClient(connection, log),
      producerKafka: createClient(connection, log),
      outputs: { alerts: topicOf(alerts), shadow: topicOf(shadow), rankings: topicOf(rankings) },
      encoder,
      topicIds: topics.ids,
      retentionMs: EXCHANGE_RETENTION_MS,
    })
    this.#router = router
    this.#tasks = tasks
    this.#trouble = null
    const isReady = () => router.joined && tasks.joined
    await this.#together([
      (signal) => this.#flow(router, tasks, signal),
      (signal) => this.rules.changed(signal, isReady),
      (signal) => topics.changed(signal),
    ])
  }

  /** A life that has not joined yet knows nothing new: what was seen before still counts. */
  #watch(): void {
    const [router, tasks] = [this.#router, this.#tasks]
    if (!router?.joined || !tasks?.joined) return
    const all = [...router.progress(), ...tasks.progress()]
    this.#progress.observe(all)
    this.#progress.keep(new Set([...all.map(({ partition }) => partition), ...tasks.owned.keys()]))
  }

  #take(done: Processed): void {
    countOutputs(this.counters, done.commit.outputs)
    this.committed$.next(done)
  }

  /** Routing beside processing, until `stop`, and until what was read by then is committed. */
  async #flow(router: Router, tasks: Tasks, stop: AbortSignal): Promise<void> {
    const failed = new AbortController()
    const end = AbortSignal.any([stop, failed.signal])
    const flow$ = merge(routing(router, end), processingAll(tasks.owned$, end))
    setMaxListeners(0, end) // one for each owned partition, and they go with it
    if (end.aborted) tasks.stop()
    end.addEventListener('abort', () => tasks.stop())
    const flowing = lastValueFrom(flow$.pipe(tap((done) => this.#take(done))), { defaultValue: null })
    flowing.catch(() => {}) // awaited below, unless opening fails first
    try {
      await Promise.race([flowing, Promise.all([router.open(), tasks.open()])])
      await flowing
    } finally {
      failed.abort()
      await Promise.allSettled([router.close(), tasks.close()])
    }
  }

  /** Runs all until one of them ends or the service stops; throws the error of one that fails. */
  async #together(parts: readonly ((signal: AbortSignal) => Promise<void>)[]): Promise<void> {
    const end = new AbortController()
    const signal = AbortSignal.any([this.#stopping.signal, end.signal])
    const runs = parts.map((part) => part(signal))
    try {
      await Promise.race(runs)
    } finally {
      end.abort()
      await Promise.allSettled(runs)
    }
  }

  /** A failure, with the rights whose lack may be behind it. */
  async #why(error: unknown): Promise<string> {
    const reason = reasonOf(error)
    const mayLackRights = isNotAllowed(error) || (error instanceof EngineError && error.code === 'INPUT_MISSING')
    const lacking = mayLackRights ? await this.#missingRights() : []
    return lacking.length === 0 ? reason : `missing rights: ${lacking.join('; ')} (${reason})`
  }

  async #missingRights(): Promise<string[]> {
    const { connection, log, outputs } = this.#options
    const wanted = {
      group: connection.group,
      exchanges: this.exchanges,
      sources: this.#usedStreams().map(({ topic }) => topic),
      outputs: [outputs.alerts, outputs.shadow, outputs.rankings, outputs.dlq],
    }
    return missingRights(createClient(connection, log, 1), wanted).then(
      (lines) => lines ?? [],
      () => [], // what failed before is said
    )
  }

  #usedStreams(): Stream[] {
    return this.#options.streams.filter(({ name }) => this.exchanges.some(({ streams }) => streams.includes(name)))
  }

  async #prepare(): Promise<PartitionCounts> {
    const { connection, log, outputs, createOutputs = true, exchangePartitions = 4 } = this.#options
    const admin = createClient(connection, log, 1).admin()
    try {
      await admin.connect().catch((error: unknown) => {
        throw noAnswer(connection.brokers, error)
      })
      const used = this.#usedStreams()
      const counts = await prepareTopics(
        admin,
        {
          group: connection.group,
          exchanges: this.exchanges,
          partitions: exchangePartitions,
          sources: used.map(({ topic }) => topic),
          outputs: { alerts: outputs.alerts, shadow: outputs.shadow, rankings: outputs.rankings, dlq: outputs.dlq },
          createOutputs,
          known: this.#known,
        },
        log,
      )
      for (const topic of counts.keys()) this.#known.add(topic)
      const lacking = await this.#missingRights()
      if (lacking.length > 0) log.error({ lacking }, 'rights are missing: what needs them will fail')
      return counts
    } finally {
      await admin.disconnect()
    }
  }
}
