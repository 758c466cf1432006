import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import { Subject, type Subscription } from 'rxjs'
import type { Counters } from '../../../model/counters.ts'
import { EngineError } from '../../../model/errors.ts'
import type { SetAside } from '../../../model/ports.ts'
import type { Stream } from '../../../model/stream.ts'
import type { Gauge, Logger } from '../../../model/telemetry.ts'
import { exchangeTopic, stateTopic } from '../../../plan/exchange.ts'
import { hashText } from '../../../plan/partition.ts'
import type { RoutedExchange } from '../../../plan/placing.ts'
import { Fetcher } from '../fetch/fetcher.ts'
import { type Assignment, Membership } from '../membership.ts'
import { PartitionReader } from '../partition-reader.ts'
import type { Encoder, TaskKeep } from '../ports.ts'
import { Skips } from '../skips.ts'
import { KafkaTaskLog, type TaskPlace } from './kafka-task-log.ts'
import type { OutputTopics } from './outputs.ts'
import { OwnedPartition } from './owned-partition.ts'

const KEY_CHARS_SHOWN = 200

export interface TasksOptions {
  readonly kafka: Kafka
  /** A client of its own for the transactional producers. */
  readonly producerKafka: Kafka
  readonly group: string
  readonly streams: readonly Stream[]
  readonly exchanges: readonly RoutedExchange[]
  readonly outputs: OutputTopics
  readonly encoder: Encoder
  readonly sessionTimeoutMs: number
  /** Of the exchanges' topics, where they are known. */
  readonly topicIds?: ReadonlyMap<string, string>
  readonly retentionMs: number
  /** By exchange topic and partition; one at a time of each. */
  readonly keepOf: (topic: string, partition: number) => TaskKeep
  readonly counters: Counters
  readonly log: Logger
}

/** The exchange partitions that the group gives to this process. One life, like the router. */
export class Tasks {
  /** Each partition when it is given to us. Errors when the group cannot be held any longer. */
  readonly owned$ = new Subject<OwnedPartition>()
  readonly #options: TasksOptions
  readonly #admin: Admin
  readonly #fetcher: Fetcher
  readonly #reader: PartitionReader
  readonly #skips: Skips
  readonly #membership: Membership
  readonly #assigned: Subscription
  readonly #owned = new Map<string, OwnedPartition>()
  /** Those that were revoked and have not yet released their state directory. */
  readonly #closing = new Map<string, OwnedPartition>()
  #joined = false
  #stopped = false

  constructor(options: TasksOptions) {
    const { kafka, group, exchanges, sessionTimeoutMs } = options
    this.#options = options
    this.#admin = kafka.admin()
    this.#fetcher = new Fetcher(kafka)
    this.#reader = new PartitionReader(kafka)
    this.#skips = new Skips(group, this.#admin, this.#reader)
    const topics = exchanges.map(({ exchange }) => exchangeTopic(group, exchange.id))
    this.#membership = new Membership({ kafka, groupId: `${group}-task`, topics, sessionTimeoutMs })
    this.#assigned = this.#membership.assigned$.subscribe({
      next: (assignment) => this.#assign(assignment),
      error: (error: unknown) => this.owned$.error(error),
    })
  }

  get joined(): boolean {
    return this.#joined && !this.#stopped
  }

  /** Why not all tasks are at work; null = they are. */
  get trouble(): string | null {
    if (!this.joined) return 'the tasks have not joined their group yet'
    const stuck = [...this.#owned.values()].find(({ trouble }) => trouble !== null)?.trouble
    if (stuck) return `a task cannot read any further: ${stuck}`
    const restoring = [...this.#owned.values()].filter(({ task }) => task === null).length
    return restoring === 0 ? null : `restoring state: ${restoring} of ${this.#owned.size} tasks`
  }

  /** The owned partitions by name, `topic/partition`. */
  get owned(): ReadonlyMap<string, OwnedPartition> {
    return this.#owned
  }

  /** What is known of each owned partition's progress. */
  *progress(): Generator<{ partition: string; committed: number; waits: boolean; failing: string | null }> {
    for (const [partition, owned] of this.#owned) {
      const known = owned.progress
      if (known) yield { partition, ...known }
    }
  }

  gauges(): Gauge[] {
    return [...this.#owned].flatMap(([partition, owned]) =>
      owned.gauges().map(({ name, value }) => ({ name, labels: { partition }, value })),
    )
  }

  async open(): Promise<void> {
    await this.#admin.connect()
    if (!this.#stopped) await this.#membership.join()
  }

  /** Nothing new begins: what is at work commits what it has made, and `owned$` completes. */
  stop(): void {
    this.#stopped = true
    for (const owned of this.#owned.values()) owned.joined$.complete()
    this.owned$.complete()
  }

  async close(): Promise<void> {
    this.stop()
    this.#assigned.unsubscribe()
    const owned = [...this.#owned.values(), ...this.#closing.values()].map((one) => one.close())
    await Promise.allSettled([this.#membership.leave(), ...owned])
    await Promise.allSettled([this.#admin.disconnect(), this.#reader.close(), this.#fetcher.close()])
  }

  /** Tasks that stay here keep their memory, but look again who has committed what; others are let go. */
  #assign(assignment: Assignment): void {
    if (this.#stopped) return
    const given = Object.entries(assignment).flatMap(([topic, list]) => list.map((partition) => ({ topic, partition })))
    const names = new Set(given.map(({ topic, partition }) => `${topic}/${partition}`))
    for (const [name, owned] of this.#owned) {
      if (names.has(name)) owned.joined$.next(null)
      else this.#revoke(name, owned)
    }
    this.#joined = true
    for (const { topic, partition } of given) {
      const name = `${topic}/${partition}`
      if (this.#owned.has(name)) continue
      const owned = this.#partition(topic, partition)
      this.#owned.set(name, owned)
      this.owned$.next(owned)
    }
  }

  #revoke(name: string, owned: OwnedPartition): void {
    this.#owned.delete(name)
    this.#closing.set(name, owned)
    owned.revoked$.next(null)
    owned.close().then(
      () => this.#closing.get(name) === owned && this.#closing.delete(name),
      (error: unknown) => this.owned$.error(error),
    )
  }

  #partition(topic: string, partition: number): OwnedPartition {
    const { group, exchanges, counters, log, retentionMs, keepOf } = this.#options
    const { exchange } = exchanges.find((one) => exchangeTopic(group, one.exchange.id) === topic)!
    const place: TaskPlace = {
      topic,
      topicId: this.#options.topicIds?.get(topic) ?? '',
      stateTopic: stateTopic(group, exchange.id),
      partition,
      taskIndex: hashText(exchange.id) + partition,
    }
    const setAside = ({ key, ...record }: SetAside): void => {
      counters.counter('outputs_set_aside_total', { topic: record.topic, rule: record.rule }).value++
      const fields = { partition: `${topic}/${partition}`, ...record, key: key.slice(0, KEY_CHARS_SHOWN) }
      log.warn(fields, 'a record is too large for its topic and was left out: raise its max.message.bytes')
    }
    const own = { admin: this.#admin, reader: this.#reader, groupId: `${group}-task`, skips: this.#skips, setAside }
    const shared = { ...this.#options, ...own }
    const isWaitedFor = (): boolean => [...this.owned.values()].some((one) => one !== owned && one.state === 'running')
    const breathe = async (workedMs: number): Promise<void> => {
      if (isWaitedFor())
        await sleep(workedMs) // half of the time is theirs
      else await turn()
      if (owned.state === 'closing') throw new EngineError('FENCED', 'the partition was given away')
    }
    const owned: OwnedPartition = new OwnedPartition({
      log: new KafkaTaskLog(place, shared, breathe),
      keepOf: () => keepOf(topic, partition),
      fetcher: this.#fetcher,
      proven: () => this.#membership.proven(),
      released: this.#closing.get(`${topic}/${partition}`)?.close() ?? Promise.resolve(),
      logger: log,
      retentionMs,
      rebuilds: counters.counter('task_rebuilds_total'),
      counters,
      skips: this.#skips,
    })
    return owned
  }
}
