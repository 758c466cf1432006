import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import avsc from 'avsc'
import { Kafka, logLevel } from 'kafkajs'
import { type Config, defaultConfig, type KafkaConfig } from '../../config.ts'
import { createClient } from '../../edge/kafka/client.ts'
import { committedOffsets } from '../../edge/kafka/offsets.ts'
import { PartitionReader, type RawRecord } from '../../edge/kafka/partition-reader.ts'
import { shippedSchema } from '../../edge/registry/record-encoder.ts'
import { blocksIn } from '../../model/batch.ts'
import type { LogRecord, RuleSource } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import { Counters } from '../../model/counters.ts'
import type { Announcement, Output } from '../../model/output.ts'
import type { RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import type { Logger } from '../../model/telemetry.ts'
import { exchangeTopic } from '../../plan/exchange.ts'
import { planExchanges } from '../../plan/plan.ts'
import { compileRuleSet } from '../../rules/index.ts'
import { step } from '../../task/step.ts'
import { Task } from '../../task/task.ts'

/** Looks at a service's topics from outside, for tests and `npm run crash`. */

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export type KafkaRunConfig = Config & { readonly log: KafkaConfig }

/** The default configuration on `brokers`, with topics, groups and a data folder of its own, and snapshots twice a second. */
export function configFor(brokers: readonly string[], name: string): KafkaRunConfig {
  const base = defaultConfig()
  return {
    ...base,
    data: join(tmpdir(), `lapwing-${name}`),
    snapshots: { everyMs: 500, records: 1_000_000 },
    log: { kind: 'kafka', brokers: [...brokers], group: name, ssl: false, sasl: null },
    time: { ...base.time, markIntervalMs: 200, idleGraceMs: 1_000 },
    streams: base.streams.map((stream) => ({ ...stream, topic: `${name}.${stream.name}` })),
    outputs: {
      alerts: `${name}.alerts`,
      shadow: `${name}.shadow`,
      rankings: `${name}.rankings`,
      dlq: `${name}.dlq`,
    },
  }
}

export interface Reference {
  readonly outputs: Output[]
  readonly announcements: Announcement[]
  readonly events: Map<string, string[]>
  readonly repeated: number
}

/** A committed offset shows some milliseconds after the commit (docs/kafka.md); a dead owner's transaction, after its end. */
const SETTLE_MS = 500

export class Inspector {
  readonly #config: KafkaRunConfig
  readonly #files: readonly RuleSource[]
  readonly #kafka: Kafka
  readonly admin
  readonly #reader: PartitionReader

  constructor(config: KafkaRunConfig, files: readonly RuleSource[]) {
    this.#config = config
    this.#files = files
    this.#kafka = createClient(config.log, quiet)
    this.admin = this.#kafka.admin()
    this.#reader = new PartitionReader(this.#kafka)
  }

  async connect(): Promise<void> {
    await this.admin.connect()
  }

  /** Removes the data folder, too: close it when no service runs any more. */
  async close(): Promise<void> {
    await Promise.all([this.admin.disconnect(), this.#reader.close()])
    rmSync(this.#config.data, { recursive: true, force: true })
  }

  get set(): RuleSet {
    const compiled = compileRuleSet(this.#files, { streams: this.#config.streams })
    if (!compiled.ok) throw new Error('the rule files do not compile')
    return compiled.set
  }

  get exchanges() {
    return planExchanges(this.set, this.#config.streams)
  }

  /** All data records of a topic that a read-committed consumer sees, by partition. */
  async records(topic: string): Promise<RawRecord[][]> {
    const bounds = (await this.admin.fetchTopicOffsets(topic)).sort((a, b) => a.partition - b.partition)
    return Promise.all(
      bounds.map(async ({ partition, low, high }) => {
        const all: RawRecord[] = []
        for await (const piece of this.#reader.read(topic, partition, Number(low), Number(high))) all.push(...piece)
        return all
      }),
    )
  }

  /** Alerts of both topics, live and shadow, and rankings. */
  async outputs(): Promise<Output[]> {
    const { alerts, shadow, rankings } = this.#config.outputs
    const decoded = async (name: 'alert' | 'ranking', topic: string) => {
      const type = avsc.Type.forSchema(shippedSchema(name) as avsc.Schema)
      const records = (await this.records(topic)).flat()
      return records.map(({ value }) =>
        withoutMap(withoutDefault(plain(type.fromBuffer(value!.subarray(5))) as Output)),
      )
    }
    return (
      await Promise.all([decoded('alert', alerts), decoded('alert', shadow), decoded('ranking', rankings)])
    ).flat()
  }

  /** Offset to read next, by partition, of each exchange; only those with a commit. */
  async positions(exchangeId: string): Promise<Map<number, number>> {
    const { group } = this.#config.log
    return committedOffsets(this.admin, `${group}-task`, exchangeTopic(group, exchangeId))
  }

  /** Source records that the router has not committed yet. */
  async routerLag(): Promise<number> {
    const { group } = this.#config.log
    let lag = 0
    for (const stream of this.#usedStreams()) {
      const done = await committedOffsets(this.admin, `${group}-router`, stream.topic)
      for (const { partition, high, low } of await this.admin.fetchTopicOffsets(stream.topic))
        lag += Number(high) - (done.get(partition) ?? Number(low))
    }
    return lag
  }

  /** Waits until the router has read all, and the tasks all that the exchanges held then. */
  async drained(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    const until = async (what: string, done: () => Promise<boolean>) => {
      while (!(await done())) {
        if (performance.now() > deadline) throw new Error(`${what} has not come to the end within ${timeoutMs} ms`)
        await sleep(100)
      }
    }
    await until('the router', async () => (await this.routerLag()) === 0)
    for (const { id } of this.exchanges) {
      const ends = await this.admin.fetchTopicOffsets(exchangeTopic(this.#config.log.group, id))
      await until(`exchange ${id}`, async () => {
        const positions = await this.positions(id)
        return ends.every(({ partition, high }) => (positions.get(partition) ?? 0) >= Number(high))
      })
    }
  }

  /**
   * What the log as it stands gives: the outputs and announcements of a task that reads each exchange partition from its
   * beginning to the committed position; and the source events that stand there, repetitions left out.
   */
  async reference(): Promise<Reference> {
    const { streams, log } = this.#config
    await sleep(SETTLE_MS)
    const outputs: Output[] = []
    const announcements: Announcement[] = []
    const events = new Map<string, string[]>()
    let repeated = 0
    for (const { id } of this.exchanges) {
      const partitions = await this.records(exchangeTopic(log.group, id))
      const positions = await this.positions(id)
      const seen = new Set<string>()
      partitions.forEach((records, partition) => {
        const read = records
          .filter(({ offset }) => offset < (positions.get(partition) ?? 0))
          .map(({ offset, value }): LogRecord => ({ position: offset, entry: decodeEntry(value!, streams) }))
        if (read.length > 0) {
          const made = step(new Task({ streams, counters: new Counters(), finite: false }), read)
          outputs.push(...made.outputs)
          announcements.push(...(made.announcements ?? []))
        }
        const { fresh, again } = sourceEvents(read)
        repeated += again
        for (const event of fresh) {
          if (seen.has(event)) throw new Error(`${event} stands in two partitions of ${id}`)
          seen.add(event)
        }
      })
      events.set(id, [...seen].sort())
    }
    return { outputs, announcements, events, repeated }
  }

  #usedStreams(): Stream[] {
    const { exchanges } = this
    return this.#config.streams.filter(({ name }) => exchanges.some((exchange) => exchange.streams.includes(name)))
  }
}

/** `topic/partition/offset` of the events in a log, each once; and how many stood there again. */
function sourceEvents(records: readonly LogRecord[]): { fresh: string[]; again: number } {
  const fresh: string[] = []
  const highest = new Map<string, number>()
  let again = 0
  for (const { entry } of records) {
    for (const { sourceTopic, sourcePartition, rowPartitions, offsets } of blocksIn(entry)) {
      offsets.forEach((offset, row) => {
        const source = `${sourceTopic}/${rowPartitions?.[row] ?? sourcePartition}`
        if (offset <= (highest.get(source) ?? -1)) again++
        else {
          highest.set(source, offset)
          fresh.push(`${source}/${offset}`)
        }
      })
    }
  }
  return { fresh, again }
}

/** Without the classes and wrappers that avsc puts around records. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

/** As tasks say it: `truncated` only where it is true, `now` only where there is one. */
function withoutDefault(output: Output): Output {
  const { truncated, now, ...rest } = output as Output & { truncated?: boolean; now?: object | null }
  return { ...rest, ...(truncated && { truncated }), ...(now && { now }) } as Output
}

/** Columns of ranked items beside the rest, as a task puts them out. */
function withoutMap(output: Output): Output {
  if (output.kind !== 'ranking') return output
  return { ...output, items: output.items.map(({ columns, ...item }) => ({ ...item, ...(columns as object | null) })) }
}

/** How what stands on the topics differs from what the log gives: lines to read, none if it does not. */
export function differences(found: readonly Output[], wanted: readonly Output[]): string[] {
  const texts = new Map(wanted.map((output) => [nameOf(output), canonicalJson(output)]))
  const seen = new Set<string>()
  const lines: string[] = []
  for (const output of found) {
    const name = nameOf(output)
    if (seen.has(name)) lines.push(`twice: ${name}`)
    else if (!texts.has(name)) lines.push(`not from the log: ${name}`)
    else if (texts.get(name) !== canonicalJson(output)) lines.push(`other content: ${name}`)
    seen.add(name)
  }
  for (const name of texts.keys()) if (!seen.has(name)) lines.push(`lost: ${name}`)
  return lines
}

function nameOf(output: Output): string {
  if (output.kind === 'alert')
    return `${output.rule} ${JSON.stringify(output.key)} ${output.alert_id}/${output.revision}`
  if (output.kind === 'ranking') return `${output.ranking} ${JSON.stringify(output.per)} at ${output.as_of}`
  throw new TypeError('rows of measures are not expected')
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** A plain client for tests: sources are written with it. */
export function plainKafka(brokers: readonly string[]): Kafka {
  return new Kafka({
    clientId: 'lapwing-harness',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 5, retries: 15, maxRetryTime: 1_000 },
  })
}
