import type { Admin, ConfigResourceTypes } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { codeOf, reasonOf } from './errors.ts'
import { committedOffsets } from './offsets.ts'
import { AS_PRODUCED } from './topics.ts'

const TOPIC_AUTHORIZATION_FAILED = 29
/** kafkajs' own enumeration is not to be had as a module's export. */
const TOPIC: ConfigResourceTypes.TOPIC = 2

/** What is wrong with topics, one line each. */
export interface TopicFaults {
  /** Events are lost, or will be. */
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Source records that were deleted before the group had read them; sources that are compacted; topics of the group that
 * compress again what is written. EngineError KAFKA_UNREACHABLE.
 */
export async function topicFaults(
  connection: KafkaConnection,
  { sources, own }: { readonly sources: readonly string[]; readonly own: readonly string[] },
  log: Logger,
): Promise<TopicFaults> {
  const admin = createClient(connection, log, 1).admin()
  try {
    await admin.connect()
    const lost = await Promise.all(sources.map((topic) => deletedUnread(admin, `${connection.group}-router`, topic)))
    const policies = await settingOf(admin, sources, 'cleanup.policy')
    const compressions = await settingOf(admin, own, 'compression.type')
    const compacted = sources.filter((topic) => policies.get(topic)?.includes('compact'))
    const recompressed = own.filter(
      (topic) => (compressions.get(topic) ?? 'producer') !== AS_PRODUCED['compression.type'],
    )
    return {
      faults: lost.flat(),
      warnings: [
        ...compacted.map((topic) => `${topic} is compacted: of a key, records before the last one may be gone unread`),
        ...recompressed.map(
          (topic) =>
            `${topic} has compression.type=${compressions.get(topic)}, it should be producer (kafka-configs.sh)`,
        ),
      ],
    }
  } catch (error) {
    const brokers = connection.brokers.join(', ')
    throw new EngineError('KAFKA_UNREACHABLE', `topics cannot be looked at, at ${brokers}: ${reasonOf(error)}`, error)
  } finally {
    await admin.disconnect().catch(() => {})
  }
}

async function deletedUnread(admin: Admin, groupId: string, topic: string): Promise<string[]> {
  const committed = await committedOffsets(admin, groupId, topic).catch((error: unknown) => {
    if ((error as Error).name === 'KafkaJSGroupCoordinatorNotFound') return new Map<number, number>() // no group was there yet
    throw error
  })
  const bounds = await admin.fetchTopicOffsets(topic)
  return bounds.flatMap(({ partition, low }) => {
    const next = committed.get(partition)
    if (next === undefined || next >= Number(low)) return []
    return [
      `${topic}/${partition}: offsets ${next} to ${Number(low) - 1} were deleted by the broker before they were read`,
    ]
  })
}

/** By topic; empty where we may not ask. */
async function settingOf(admin: Admin, topics: readonly string[], name: string): Promise<Map<string, string>> {
  if (topics.length === 0) return new Map()
  const resources = topics.map((topic) => ({ type: TOPIC, name: topic, configNames: [name] }))
  try {
    const { resources: answers } = await admin.describeConfigs({ resources, includeSynonyms: false })
    return new Map(
      answers.map(({ resourceName, configEntries }) => [resourceName, configEntries[0]?.configValue ?? '']),
    )
  } catch (error) {
    if (codeOf(error) !== TOPIC_AUTHORIZATION_FAILED) throw error
    return new Map()
  }
}
