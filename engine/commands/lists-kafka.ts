import type { Config, KafkaConfig } from '../config.ts'
import { reasonOf } from '../edge/kafka/errors.ts'
import type { ListsTopic } from '../edge/kafka/lists-topic.ts'
import type { RulesTopic } from '../edge/kafka/rules-topic.ts'
import type { Reception } from '../edge/local/rules.ts'
import { Counters } from '../model/counters.ts'
import { EngineError } from '../model/errors.ts'
import type { RuleSet } from '../model/rule.ts'
import { listTopicFault } from '../plan/list-topics.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { type Changing, changeable, itemsFor, listsToShow, print, setOf, tell } from './list-texts.ts'
import { serviceLogger } from './service/serve.ts'

/** Times to live are shown as of the machine's clock. */
export async function showKafka(
  name: string | undefined,
  config: Config,
  connection: KafkaConfig,
  json: boolean,
): Promise<ExitCode> {
  return onKafka(connection, async (rules, topic) => {
    const set = await inForce(rules, config, connection)
    for (const list of listsToShow(set, name))
      print(list, await topic.items(list, set, new Counters(), Date.now()), name, json)
    return EXIT.fine
  })
}

export async function changeKafka(
  { what, name, texts, ttlMs, waitMs }: Changing,
  config: Config,
  connection: KafkaConfig,
): Promise<ExitCode> {
  return onKafka(connection, async (rules, topic) => {
    const set = await inForce(rules, config, connection)
    const list = changeable(set, name)
    const rest = { on: what === 'add', ttlMs, untilMs: null, atMs: Date.now() }
    const items = itemsFor(list, { what, texts })
    const before = await topic.items(list, set, new Counters(), rest.atMs)
    const changes = items.map((item) => ({ item, ...rest }))
    const offset = await topic.put(list, changes)
    const receive = async (): Promise<Reception> => {
      if (!(await rules.hasEngine())) return 'no engine'
      return (await topic.taken(list, offset, set, config.streams, waitMs)) ? 'taken' : 'waiting'
    }
    const engine = `engine of ${connection.group} runs`
    return tell(await receive(), { what, name, items, before, engine })
  })
}

/** EngineError CONFIG_INVALID where a list's topic is another's: nothing may be written there. */
async function inForce(rules: RulesTopic, { streams, outputs }: Config, { group }: KafkaConfig): Promise<RuleSet> {
  const set = setOf((await rules.state()).rules?.files ?? [], streams)
  const fault = listTopicFault(set, { group, outputs, streams })
  if (fault !== null) throw new EngineError('CONFIG_INVALID', fault)
  return set
}

/** EngineError KAFKA_UNREACHABLE where the broker does not answer. */
async function onKafka<T>(
  connection: KafkaConfig,
  work: (rules: RulesTopic, topic: ListsTopic) => Promise<T>,
): Promise<T> {
  const { RulesTopic } = await import('../edge/kafka/rules-topic.ts')
  const { ListsTopic } = await import('../edge/kafka/lists-topic.ts')
  const rules = new RulesTopic(connection, serviceLogger())
  const topic = new ListsTopic(connection, serviceLogger())
  try {
    await Promise.all([rules.connect(), topic.connect()])
    return await work(rules, topic)
  } catch (error) {
    if (error instanceof EngineError) throw error
    const where = connection.brokers.join(', ')
    throw new EngineError('KAFKA_UNREACHABLE', `the lists at ${where}: ${reasonOf(error)}`, error)
  } finally {
    await Promise.all([rules.close(), topic.close()])
  }
}
