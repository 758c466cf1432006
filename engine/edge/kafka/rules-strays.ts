import { EngineError } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import type { KafkaConnection } from './client.ts'
import { reasonOf } from './errors.ts'
import { controlTopic, type RefusedRecord, RulesTopic } from './rules-topic.ts'

/**
 * What stands in a group's control topic, which must be there, and is none of ours: one line, or null where there is
 * nothing. EngineError CONFIG_INVALID where it stands in the place of the rule set; KAFKA_UNREACHABLE.
 */
export async function straysOf(connection: KafkaConnection, log: Logger): Promise<string | null> {
  const name = controlTopic(connection.group)
  let count = 0
  let last: RefusedRecord | null = null
  const topic = new RulesTopic(connection, log, (record) => {
    count++
    last = record
  })
  try {
    await topic.connect()
    await topic.state()
  } catch (error) {
    if (error instanceof EngineError) throw error
    throw new EngineError('KAFKA_UNREACHABLE', `${name} cannot be read: ${reasonOf(error)}`, error)
  } finally {
    await topic.close()
  }
  if (last === null) return null
  const { offset, reason } = last as RefusedRecord
  const what = `${name} has ${count === 1 ? 'a record that is' : `${count} records that are`} none of ours, the last at offset ${offset} (${reason})`
  if (!topic.isSpoilt) return what
  const way = 'one stands behind the rule set under its key, which compaction will delete: lapwing rules push'
  throw new EngineError('CONFIG_INVALID', `${what}; ${way}`)
}
