import type { Admin, ITopicConfig } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import { controlsOf, ownControls } from '../../plan/control-topics.ts'
import { type Exchange, exchangeTopic, otherPartitions, partitionsOfNew, stateTopic } from '../../plan/exchange.ts'
import { checkControls } from './control-check.ts'
import { reasonOf } from './errors.ts'
import { routerTopic } from './router-topic.ts'

export { routerTopic }

/** Largest record of an exchange, of state, and of the dead-letter topic: a source record of 1 MiB and more around it. */
export const RECORD_BYTES_MAX = 8 << 20

export interface TopicsWanted {
  readonly group: string
  readonly exchanges: readonly Exchange[]
  /** Partitions of an exchange that is new; one that exists keeps its number, and that is said the first time. */
  readonly partitions: number
  /** Topics that are read; they are never created. */
  readonly sources: readonly string[]
  readonly outputs: Readonly<Record<'alerts' | 'shadow' | 'rankings' | 'dlq', string>>
  readonly createOutputs: boolean
  /** Topics that were there before, in the life of this process. */
  readonly known: ReadonlySet<string>
}

/** Partitions by topic. */
export type PartitionCounts = ReadonlyMap<string, number>

const DELETED =
  'topics were deleted while the engine ran and are made anew: what an exchange held and no task had read is lost, and its windows begin empty; what lists and features said there is gone'

const OTHER_PARTITIONS =
  'an exchange has another number of partitions than exchange.partitions, and keeps it; docs/kafka.md says how to change it'

/** A broker's default does not compress again what the engine writes. */
export const AS_PRODUCED = { 'compression.type': 'producer' } as const
/** The broker says its clock with each record: marks are bounded by it. */
const BROKER_TIME = { 'message.timestamp.type': 'LogAppendTime' } as const

/**
 * Creates what is missing of the engine's own topics and of those that lists are changed by, and the outputs if it may; counts the partitions of all.
 * EngineError INPUT_MISSING names every topic that is not there and may not be created; CONFIG_INVALID where an exchange
 * and its state do not fit together, or a control topic is none.
 */
export async function prepareTopics(admin: Admin, wanted: TopicsWanted, log: Logger): Promise<PartitionCounts> {
  const { group, exchanges } = wanted
  const there = new Set(await admin.listTopics())
  const logs = exchanges.map(({ id }) => exchangeTopic(group, id)).filter((topic) => there.has(topic))
  const before = await partitionsOf(admin, logs)
  const own = [compacted(routerTopic(group), 1, BROKER_TIME)]
  for (const exchange of exchanges) {
    const { id, by } = exchange
    const had = by.kind === 'all' ? undefined : before.get(exchangeTopic(group, id))
    const partitions = had ?? partitionsOfNew(exchange, wanted.partitions)
    own.push(exchangeConfig(exchangeTopic(group, id), partitions), compacted(stateTopic(group, id), partitions))
  }
  const controls = [...new Set(exchanges.flatMap((exchange) => controlsOf(group, exchange).map(({ topic }) => topic)))]
  for (const topic of new Set([...ownControls(group, exchanges), ...controls])) own.push(compacted(topic, 1))
  const outputs = [...new Set(Object.values(wanted.outputs))]
  if (wanted.createOutputs) own.push(...outputs.map((topic) => outputConfig(topic, topic === wanted.outputs.dlq)))
  const missing = own.filter(({ topic }) => !there.has(topic))
  if (missing.length > 0) {
    log.info({ topics: missing.map(({ topic }) => topic) }, 'creating topics')
    const deleted = missing.map(({ topic }) => topic).filter((topic) => wanted.known.has(topic))
    if (deleted.length > 0) log.error({ topics: deleted }, DELETED)
    await create(admin, missing)
  }
  const lacking = [...wanted.sources, ...(wanted.createOutputs ? [] : outputs)].filter((topic) => !there.has(topic))
  if (lacking.length > 0) throw new EngineError('INPUT_MISSING', `no such topic: ${lacking.join(', ')}`)
  const counts = await partitionsOf(admin, [...own.map(({ topic }) => topic), ...wanted.sources, ...outputs])
  checkPairs(group, exchanges, counts)
  await checkControls(admin, controls, counts, log)
  for (const { topic, has, configured } of otherPartitions(group, exchanges, counts, wanted.partitions))
    if (!wanted.known.has(topic)) log.warn({ topic, has, configured }, OTHER_PARTITIONS)
  return counts
}

/** A compacted topic of one partition, made where it is not; CONFIG_INVALID where it is another one. */
export async function ensureCompacted(admin: Admin, topic: string, log: Logger): Promise<void> {
  if (!(await admin.listTopics()).includes(topic)) await create(admin, [compacted(topic, 1)])
  else await checkControls(admin, [topic], await partitionsOf(admin, [topic]), log)
}

function checkPairs(group: string, exchanges: readonly Exchange[], counts: PartitionCounts): void {
  for (const { id, by } of exchanges) {
    const [log, state] = [exchangeTopic(group, id), stateTopic(group, id)]
    if (by.kind === 'all' && counts.get(log) !== 1)
      throw new EngineError('CONFIG_INVALID', `${log} must have one partition, it has ${counts.get(log)}`)
    if (counts.get(log) !== counts.get(state))
      throw new EngineError(
        'CONFIG_INVALID',
        `${log} has ${counts.get(log)} partitions, ${state} has ${counts.get(state)}: partitions were added by hand`,
      )
  }
}

async function create(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  try {
    await admin.createTopics({ topics, waitForLeaders: true })
  } catch (error) {
    const { errors } = error as { errors?: { topic?: string; message: string }[] }
    const faults = errors?.filter((e) => !/already exists/i.test(e.message)).map((e) => `${e.topic}: ${e.message}`)
    if (faults?.length === 0) return // another instance was faster
    throw new EngineError('INPUT_MISSING', `topics cannot be created: ${faults?.join('; ') ?? reasonOf(error)}`, error)
  }
}

async function partitionsOf(admin: Admin, topics: readonly string[]): Promise<Map<string, number>> {
  if (topics.length === 0) return new Map()
  const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] })
  return new Map(found.map(({ name, partitions }) => [name, partitions.length]))
}

/**
 * Exchange records carry event time, and events may be old: Kafka's own retention, by the wall clock, would take a backlog
 * away before it is read. So it is off, and the tasks cut off what no rebuild needs (`KafkaTaskLog.trim`).
 */
function exchangeConfig(topic: string, numPartitions: number): ITopicConfig {
  return withConfig(topic, numPartitions, {
    ...AS_PRODUCED,
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'segment.bytes': String(64 << 20),
    'max.message.bytes': String(RECORD_BYTES_MAX),
    'message.timestamp.type': 'CreateTime',
  })
}

function compacted(topic: string, numPartitions: number, more: Readonly<Record<string, string>> = {}): ITopicConfig {
  return withConfig(topic, numPartitions, {
    ...more,
    ...AS_PRODUCED,
    'cleanup.policy': 'compact',
    'segment.bytes': String(16 << 20),
    'min.cleanable.dirty.ratio': '0.2',
    'max.message.bytes': String(RECORD_BYTES_MAX),
  })
}

function outputConfig(topic: string, isDeadLetters: boolean): ITopicConfig {
  const more = isDeadLetters ? { 'max.message.bytes': String(RECORD_BYTES_MAX) } : {}
  return withConfig(topic, -1, { ...AS_PRODUCED, ...more })
}

function withConfig(topic: string, numPartitions: number, config: Readonly<Record<string, string>>): ITopicConfig {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  return { topic, numPartitions, configEntries }
}
