import type { Kafka } from 'kafkajs'
import { controlsOf, ownControls } from '../../plan/control-topics.ts'
import { type Exchange, exchangeTopic, stateTopic } from '../../plan/exchange.ts'
import { codeOf } from './errors.ts'
import { Cluster } from './fetch/cluster.ts'
import { askRights, type Operation } from './metadata-request.ts'
import { controlTopic } from './rules-topic.ts'
import { transactionalIdOf } from './task/producer.ts'
import { routerTopic } from './topics.ts'

export interface RightsWanted {
  readonly group: string
  readonly exchanges: readonly Exchange[]
  /** Topics of the streams that the rules read. */
  readonly sources: readonly string[]
  readonly outputs: readonly string[]
}

/** What the engine does with a topic. */
export interface Use {
  readonly topic: string
  readonly operations: readonly Operation[]
  /** Created where it is not there. */
  readonly isMade: boolean
}

const OWN: readonly Operation[] = ['Describe', 'Read', 'Write']
const NOT_ALLOWED_TOPIC = 29
const NOT_ALLOWED_GROUP = 30
const NOT_ALLOWED_TRANSACTIONS = 53
const NOBODY = 'lapwing-doctor'

/** All topics that an engine uses, and what for: docs/kafka.md has the same as a list of ACLs. */
export function usesOf({ group, exchanges, sources, outputs }: RightsWanted): Use[] {
  const own = (topic: string, ...more: Operation[]): Use => ({ topic, operations: [...OWN, ...more], isMade: true })
  const controls = exchanges.flatMap((exchange) => controlsOf(group, exchange).map(({ topic }) => topic))
  const compacted = new Set([...ownControls(group, exchanges), ...controls])
  return [
    ...sources.map((topic): Use => ({ topic, operations: ['Describe', 'Read'], isMade: false })),
    ...outputs.map((topic): Use => ({ topic, operations: ['Describe', 'Write'], isMade: true })),
    own(routerTopic(group)),
    own(controlTopic(group)),
    ...exchanges.flatMap(({ id }) => [own(exchangeTopic(group, id), 'Delete'), own(stateTopic(group, id))]),
    ...[...compacted].map((topic) => own(topic, 'DescribeConfigs')),
  ]
}

/**
 * Each right that an engine needs and has not got, a line each: `topic shop.orders: Read`. Nothing is changed: rights to
 * topics come with their metadata, groups and transactional ids are asked with requests that have no effect. Null where
 * the broker does not tell (before Kafka 2.3). Errors: kafkajs's.
 */
export async function missingRights(kafka: Kafka, wanted: RightsWanted): Promise<string[] | null> {
  const cluster = new Cluster(kafka)
  try {
    await cluster.connect()
    const uses = usesOf(wanted)
    const broker = cluster.seed()
    const names = uses.map(({ topic }) => topic)
    const told = await askRights(broker, names)
    if (told === null) return null
    const lines = uses.flatMap(({ topic, operations, isMade }) => {
      const { errorCode, allowed } = told.get(topic)!
      if (errorCode === NOT_ALLOWED_TOPIC) return [`topic ${topic}: Describe, and so all else`]
      const needed = errorCode === 0 || !isMade ? operations : ['Create' as const, ...operations]
      const lacking = needed.filter((operation) => !allowed.has(operation))
      return lacking.length === 0 ? [] : [`topic ${topic}: ${lacking.join(', ')}`]
    })
    for (const name of ['router', 'task'].map((of) => `${wanted.group}-${of}`))
      if (await isRefused(broker.heartbeat({ groupId: name, groupGenerationId: 0, memberId: NOBODY })))
        lines.push(`group ${name}: Read`)
    for (const { id } of wanted.exchanges) {
      const name = transactionalIdOf(`${wanted.group}-task`, exchangeTopic(wanted.group, id), 0)
      const nothing = { transactionalId: name, producerId: -1, producerEpoch: 0, transactionResult: false }
      if (await isRefused(broker.endTxn(nothing))) lines.push(`transactional id ${name}: Write`)
    }
    return lines
  } finally {
    await cluster.close()
  }
}

/** Rights are looked at before anything else: a request of nobody is refused in another way where they are there. */
async function isRefused(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked
    return false
  } catch (error) {
    const code = codeOf(error)
    if (code === null) throw error
    return code === NOT_ALLOWED_GROUP || code === NOT_ALLOWED_TRANSACTIONS
  }
}
