import type { Admin, ConfigResourceTypes } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import { codeOf, reasonOf } from './errors.ts'
import type { PartitionCounts } from './topics.ts'

const TOPIC_AUTHORIZATION_FAILED = 29
/** kafkajs' own enumeration is not to be had as a module's export. */
const TOPIC: ConfigResourceTypes.TOPIC = 2

/** EngineError CONFIG_INVALID where a control topic has not one partition, or forgets what it said last of a key. */
export async function checkControls(
  admin: Admin,
  topics: readonly string[],
  counts: PartitionCounts,
  log: Logger,
): Promise<void> {
  for (const topic of topics) {
    if (counts.get(topic) === 1) continue
    const message = `${topic} must have one partition, it has ${counts.get(topic)}: what it says has one order. Name another topic, or make this one anew`
    throw new EngineError('CONFIG_INVALID', message)
  }
  const policies = await policiesOf(admin, topics, log)
  for (const [topic, policy] of policies) {
    if (policy === 'compact') continue
    const message = `${topic} must be compacted, its cleanup.policy is ${policy}: what it said would be deleted in time. Set cleanup.policy=compact, or name another topic`
    throw new EngineError('CONFIG_INVALID', message)
  }
}

/** By topic; empty, and said, where we may not ask. */
async function policiesOf(admin: Admin, topics: readonly string[], log: Logger): Promise<Map<string, string>> {
  if (topics.length === 0) return new Map()
  const resources = topics.map((name) => ({
    type: TOPIC,
    name,
    configNames: ['cleanup.policy'],
  }))
  try {
    const { resources: answers } = await admin.describeConfigs({ resources, includeSynonyms: false })
    return new Map(answers.map(({ resourceName, configEntries }) => [resourceName, configEntries[0]!.configValue]))
  } catch (error) {
    if (codeOf(error) !== TOPIC_AUTHORIZATION_FAILED) throw error
    log.warn({ topics, reason: reasonOf(error) }, 'whether control topics are compacted cannot be seen')
    return new Map()
  }
}
