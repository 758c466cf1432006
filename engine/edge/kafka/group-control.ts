import type { ListControl, RuleSource } from '../../model/block.ts'
import type { Asked, ControlStore, PutRules } from '../../model/control.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { ListItem, NamedList, RuleSet } from '../../model/rule.ts'
import { textHash } from '../../model/rule-text.ts'
import type { Stream } from '../../model/stream.ts'
import type { Logger } from '../../model/telemetry.ts'
import { type ControlTopic, controlOfList } from '../../plan/control-topics.ts'
import { exchangeTopic } from '../../plan/exchange.ts'
import { listTopicFault } from '../../plan/list-topics.ts'
import { planExchanges } from '../../plan/plan.ts'
import { Lists } from '../../task/lists.ts'
import type { KafkaConnection } from './client.ts'
import { broadcastsOf, contentsOf } from './control-contents.ts'
import { listMessage } from './control-records.ts'
import { isOperational, reasonOf } from './errors.ts'
import { committedOffsets } from './offsets.ts'
import { controlTopic, type RefusedRecord, RulesTopic } from './rules-topic.ts'
import { ensureCompacted } from './topics.ts'

export interface GroupOptions {
  readonly connection: KafkaConnection
  readonly streams: readonly Stream[]
  readonly outputs: Readonly<Record<string, string>>
  readonly log: Logger
}

/** The rules and lists of a group, in its control topics, for a process beside its engines. */
export class GroupControl implements ControlStore {
  readonly engine: string
  readonly #options: GroupOptions
  readonly #rules: RulesTopic
  readonly #group: string
  #strays: { readonly count: number; readonly last: RefusedRecord | null } = { count: 0, last: null }

  private constructor(options: GroupOptions) {
    const { connection, log } = options
    this.engine = `engine of ${connection.group} runs`
    this.#options = options
    this.#rules = new RulesTopic(connection, log, (last) => {
      this.#strays = { count: this.#strays.count + 1, last }
    })
    this.#group = connection.group
  }

  /** Opens one for `work`, and closes it. EngineError KAFKA_UNREACHABLE where the broker does not answer. */
  static async with<T>(options: GroupOptions, work: (control: GroupControl) => Promise<T>): Promise<T> {
    const control = new GroupControl(options)
    try {
      await control.#rules.connect()
      return await work(control)
    } catch (error) {
      if (error instanceof EngineError || !isOperational(error)) throw error
      const where = options.connection.brokers.join(', ')
      throw new EngineError('KAFKA_UNREACHABLE', `the control topics at ${where}: ${reasonOf(error)}`, error)
    } finally {
      await control.#rules.close()
    }
  }

  get isSpoilt(): boolean {
    return this.#rules.isSpoilt
  }

  async last(): Promise<Omit<PutRules, 'atMs'>> {
    return (await this.#rules.state()).rules ?? { files: [], configured: null }
  }

  /**
   * What stands in the control topic and is none of ours: one line, or null where there is nothing. EngineError
   * CONFIG_INVALID where it stands in the place of the rule set.
   */
  async strays(): Promise<string | null> {
    await this.#rules.state()
    const { count, last } = this.#strays
    if (!last) return null
    const records = count === 1 ? 'a record that is' : `${count} records that are`
    const what = `${controlTopic(this.#group)} has ${records} none of ours, the last at offset ${last.offset} (${last.reason})`
    if (!this.isSpoilt) return what
    const way = 'one stands behind the rule set under its key, which compaction will delete: lapwing rules push'
    throw new EngineError('CONFIG_INVALID', `${what}; ${way}`)
  }

  async inForce(): Promise<readonly RuleSource[]> {
    return (await this.last()).files
  }

  async put(rules: PutRules): Promise<Asked> {
    await this.#rules.put(rules)
    if (!(await this.#hasEngine())) return async () => 'no engine'
    const hash = textHash(rules.files)
    return async () => {
      const { answer } = await this.#rules.state()
      if (answer?.hash !== hash) return 'waiting'
      return answer.refused === null ? 'taken' : { refused: `\n${answer.refused}` }
    }
  }

  /** Were all that the topics say in force; times to live as of the machine's clock. */
  async items(set: RuleSet, wanted: readonly NamedList[]): Promise<Map<string, readonly ListItem[]>> {
    const { admin, reader } = this.#rules
    const lists = new Lists(new Counters())
    lists.install(set)
    for (const list of wanted) {
      const control = await this.#controlOf(list, set)
      const broadcasts = control ? broadcastsOf(control, await contentsOf(admin, reader, control.topic)) : []
      for (const { topic, records } of broadcasts)
        for (const record of records)
          if ('list' in record && record.list === list.id) lists.receive(topic, record, -1, record.atMs)
    }
    lists.clock = { streamMs: Date.now() }
    return new Map(wanted.map(({ id }) => [id, lists.items(id) ?? []]))
  }

  /** Taken when every task of the group has committed a position behind it. */
  async change(set: RuleSet, { list: id, add, remove, ttlMs, atMs }: ListControl): Promise<Asked> {
    const control = await this.#controlOf(set.lists.find((list) => list.id === id)!, set)
    if (!control || control.kind === 'feature') throw new TypeError('a list is changed in a topic of lists')
    const { topic, kind } = control
    const message = (on: boolean) => (item: ListItem) => ({
      ...listMessage(kind, id, { item, on, ttlMs, untilMs: null, atMs }),
      partition: 0,
    })
    const messages = [...remove.map(message(false)), ...add.map(message(true))]
    const [sent] = await this.#rules.producer.send({ topic, messages, acks: -1 })
    const end = Number(sent.baseOffset) + messages.length
    if (!(await this.#hasEngine())) return async () => 'no engine'
    let unread: readonly Place[] | null = null
    return async () => {
      if (!unread && ((await this.#committed('router', topic)).get(0) ?? -1) < end) return 'waiting'
      unread = await this.#unread(unread ?? (await this.#ends(set)))
      return unread.length === 0 ? 'taken' : 'waiting'
    }
  }

  async #hasEngine(): Promise<boolean> {
    const { groups } = await this.#rules.admin.describeGroups([`${this.#group}-router`])
    return groups.some(({ members }) => members.length > 0)
  }

  /** Where the exchanges of the set end now. */
  async #ends(set: RuleSet): Promise<Place[]> {
    const topics = planExchanges(set, this.#options.streams).map(({ id }) => exchangeTopic(this.#group, id))
    const ends = topics.map(async (topic) =>
      (await this.#rules.admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
        topic,
        partition,
        end: Number(high),
      })),
    )
    return (await Promise.all(ends)).flat()
  }

  /** Those that their tasks have not come to. */
  async #unread(places: readonly Place[]): Promise<Place[]> {
    const topics = [...new Set(places.map(({ topic }) => topic))]
    const positions = await Promise.all(topics.map((topic) => this.#committed('task', topic)))
    const reached = new Map(topics.map((topic, i) => [topic, positions[i]!]))
    return places.filter(({ topic, partition, end }) => (reached.get(topic)!.get(partition) ?? 0) < end)
  }

  #committed(role: 'router' | 'task', topic: string): Promise<Map<number, number>> {
    return committedOffsets(this.#rules.admin, `${this.#group}-${role}`, topic)
  }

  /** Null where nothing is said of the list from outside. EngineError CONFIG_INVALID where its topic is another's. */
  async #controlOf(list: NamedList, set: RuleSet): Promise<ControlTopic | null> {
    const { outputs, streams, log } = this.#options
    const fault = listTopicFault(set, { group: this.#group, outputs, streams })
    if (fault !== null) throw new EngineError('CONFIG_INVALID', fault)
    const control = controlOfList(this.#group, list)
    if (control) await ensureCompacted(this.#rules.admin, control.topic, log)
    return control
  }
}

/** An exchange partition up to an offset. */
interface Place {
  readonly topic: string
  readonly partition: number
  readonly end: number
}
