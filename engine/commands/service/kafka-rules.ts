import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaConnection } from '../../edge/kafka/client.ts'
import { codeOf, MESSAGE_TOO_LARGE, reasonOf } from '../../edge/kafka/errors.ts'
import { Occasionally } from '../../edge/kafka/log.ts'
import { controlTopic, type RefusedRecord, RulesTopic } from '../../edge/kafka/rules-topic.ts'
import type { RuleSource } from '../../model/block.ts'
import type { PutRules } from '../../model/control.ts'
import { EngineError } from '../../model/errors.ts'
import type { RuleSet } from '../../model/rule.ts'
import { textHash } from '../../model/rule-text.ts'
import { listTopicFault } from '../../plan/list-topics.ts'
import { planExchanges } from '../../plan/plan.ts'
import { dueFor, LiveRules, type LiveRulesOptions } from './live-rules.ts'

const LOOK_EVERY_MS = 500
const HASH_SHOWN = 12
/** Refused records that are each said; of more, one every so often. */
const REFUSALS_SAID = 20
const REFUSALS_SAID_EVERY_MS = 10_000

const hashes = new WeakMap<readonly RuleSource[], string>()

interface KafkaRulesOptions extends LiveRulesOptions {
  readonly connection: KafkaConnection
  readonly outputs: Readonly<Record<string, string>>
}

/**
 * On Kafka a group's control topic says which set is in force in all its engines: the last one that was put there, by whom
 * ever. Each engine looks there, takes it, and begins a new life with it; one that does not compile here leaves the one
 * before in force.
 */
export class KafkaRules extends LiveRules {
  readonly #options: KafkaRulesOptions
  #configured: readonly RuleSource[]
  #files: readonly RuleSource[]
  #set: RuleSet
  /**
   * Why the configured files are still to be put into the control topic. Each reason counts once: whatever others put there
   * later is a later change, and stays.
   */
  #due: 'start' | 'reload' | null = 'start'
  #isFirst = true
  /** What the group was configured with last, where that was said to differ from what is configured here. */
  #differing: string | null = null
  readonly #occasionally = new Occasionally(REFUSALS_SAID_EVERY_MS)
  /** Of the control topic: records that were refused, and the last one of them. */
  #strays = { count: 0, lastOffset: -1 }
  /** The last ones that the broker had topics for. */
  #usable: readonly RuleSource[] | null = null

  /** EngineError RULES_INVALID with every fault, if the configured files do not compile; CONFIG_INVALID where a list's topic is another's. */
  constructor(configured: readonly RuleSource[], options: KafkaRulesOptions) {
    super(options)
    this.#options = options
    const compiled = super.compiled(configured)
    if (typeof compiled === 'string') throw new EngineError('RULES_INVALID', compiled)
    const fault = this.#faultOf(compiled)
    if (fault !== null) throw fault
    this.#configured = this.#files = configured
    this.#set = compiled
  }

  get files(): readonly RuleSource[] {
    return this.#files
  }

  get set(): RuleSet {
    return this.#set
  }

  /** Asks the control topic before a life begins. */
  async agree(): Promise<void> {
    await this.#withTopic(async (topic) => void (await this.#follow(topic)))
  }

  /** Resolves when another, sound rule set is in force than at the call; or at `signal`. */
  async changed(signal: AbortSignal, isReady: () => boolean): Promise<void> {
    const running = this.#files
    await this.#withTopic(async (topic) => {
      let answered = ''
      while (!signal.aborted) {
        const said = await this.#follow(topic)
        if (this.#files !== running) return
        const hash = said && hashOf(said)
        const refused = hash === this.refused?.hash ? this.refused!.faults : null
        if (hash !== null && hash !== answered && (refused !== null || isReady())) {
          await topic.answer({ hash, refused })
          answered = hash
        }
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
      }
    })
  }

  /** Files that are the configured ones from now on: they are put into the control topic at the next look. */
  offer(files: readonly RuleSource[]): void {
    const compiled = this.compiled(files, this.#set)
    if (typeof compiled === 'string') {
      this.refuse(hashOf(files), compiled)
      return
    }
    this.#configured = files
    this.#due = 'reload'
  }

  /** The broker has the topics for the set in force. */
  settled(): void {
    this.#usable = this.#files
  }

  /**
   * The set in force cannot run on this broker: it is refused, and the one that ran before it is in force, or the
   * configured one. False where there is none but itself.
   */
  giveUp(reason: string): boolean {
    const hash = hashOf(this.#files)
    const back = [this.#usable, this.#configured].find((files) => files !== null && hashOf(files) !== hash)
    if (!back || !this.#take(back, this.#options.clock(), false)) return false
    this.refuse(hash, reason)
    return true
  }

  /** Takes what the control topic says, puts there what is due, and returns the files that then stand there. */
  async #follow(topic: RulesTopic): Promise<readonly RuleSource[] | null> {
    const { rules } = await topic.state()
    const isNews = rules && hashOf(rules.files) !== hashOf(this.#files) && hashOf(rules.files) !== this.refused?.hash
    if (rules && (this.#isFirst || isNews)) this.#take(rules.files, rules.atMs, !this.#isFirst)
    this.#isFirst = false
    const [configured, why] = [this.#configured, this.#due]
    const due = why && this.#dueFor(why, rules)
    const isPut = due !== null && (await this.#put(topic, due, rules))
    if (this.#configured === configured) this.#due = null // else others were offered meanwhile
    if (why === 'reload' && (isPut || due === null)) {
      this.accepted()
      if (rules && hashOf(rules.files) === hashOf(configured)) this.sayUnchanged()
    }
    if (isPut) return due.files
    if (rules) this.#compare(rules)
    return rules?.files ?? null
  }

  /** What is to be put into the control topic, which says `rules`. */
  #dueFor(why: 'start' | 'reload', rules: PutRules | null): PutRules | null {
    const files = this.#configured
    const configured = hashOf(files)
    const own = { files, configured, atMs: this.#options.clock() }
    if (rules === null) return own
    const hash = hashOf(rules.files)
    const isInForce = hash === hashOf(this.#files)
    const isSame = isInForce && hash === configured
    const due = dueFor(why, configured, { isSame, isInForce, configured: rules.configured })
    return due === 'note' ? { ...rules, configured } : due && own
  }

  /** False, and refused, where `due` cannot take the place of what is in force. `before` is what the topic says. */
  async #put(topic: RulesTopic, due: PutRules, before: PutRules | null): Promise<boolean> {
    const isOther = hashOf(due.files) !== hashOf(this.#files)
    const compiled = isOther ? this.compiled(due.files, before ? this.#set : undefined) : this.#set
    if (typeof compiled === 'string') {
      this.refuse(hashOf(due.files), compiled)
      return false
    }
    try {
      await topic.put(due)
    } catch (error) {
      if (before === null || codeOf(error) !== MESSAGE_TOO_LARGE) throw error
      this.refuse(hashOf(due.files), `the control topic cannot take them: ${reasonOf(error)}`)
      return false
    }
    if (isOther) return this.#take(due.files, due.atMs, before !== null)
    this.putAt(due.atMs)
    return true
  }

  /** Instances of a group may be configured with other files than each other: only the last change is in force. */
  #compare({ configured }: PutRules): void {
    const own = hashOf(this.#configured)
    const theirs = configured === own ? null : configured
    if (theirs !== null && theirs !== this.#differing)
      this.#options.logger.warn(
        { configuredHere: own.slice(0, HASH_SHOWN), configuredLast: theirs.slice(0, HASH_SHOWN) },
        'the group was configured last with other rule files than this instance has: what the control topic says is in force',
      )
    this.#differing = theirs
  }

  /** False, and refused, where the files do not compile or do not raise a version. */
  #take(files: readonly RuleSource[], atMs: number, isChange: boolean): boolean {
    const compiled = this.compiled(files, isChange ? this.#set : undefined)
    if (typeof compiled === 'string') {
      this.refuse(hashOf(files), compiled)
      return false
    }
    if (isChange && compiled.hash !== this.#set.hash) this.taken(compiled)
    this.#files = files
    this.#set = compiled
    this.putAt(atMs)
    this.accepted()
    return true
  }

  protected override compiled(files: readonly RuleSource[], inForce?: RuleSet): RuleSet | string {
    const compiled = super.compiled(files, inForce)
    return typeof compiled === 'string' ? compiled : (this.#faultOf(compiled)?.message ?? compiled)
  }

  /** Why a set that compiles cannot run in this group. */
  #faultOf(set: RuleSet): EngineError | null {
    const { connection, outputs, streams } = this.#options
    if (planExchanges(set, streams).length === 0)
      return new EngineError('RULES_INVALID', 'no rule and no ranking is live or shadow')
    const fault = listTopicFault(set, { group: connection.group, outputs, streams })
    return fault === null ? null : new EngineError('CONFIG_INVALID', fault)
  }

  /** The topic is read from its beginning at each life: what was counted and said is not again. */
  #passOver({ offset, reason }: RefusedRecord): void {
    if (offset <= this.#strays.lastOffset) return
    const { connection, counters, logger } = this.#options
    const topic = controlTopic(connection.group)
    counters.counter('control_records_refused_total', { topic }).value++
    this.#strays = { count: this.#strays.count + 1, lastOffset: offset }
    const message = 'a record of the control topic is none of ours; it is passed over'
    if (this.#strays.count <= REFUSALS_SAID) logger.warn({ topic, offset, reason }, message)
    else this.#occasionally.warn(logger, { topic, offset, reason }, message)
  }

  async #withTopic(work: (topic: RulesTopic) => Promise<void>): Promise<void> {
    const { connection, logger } = this.#options
    const topic = new RulesTopic(connection, logger, (record) => this.#passOver(record))
    try {
      await topic.connect()
      await work(topic)
    } finally {
      await topic.close()
    }
  }
}

/** What a set's files say; of one that was asked for before at no cost, for it is looked at twice a second. */
function hashOf(files: readonly RuleSource[]): string {
  const hash = hashes.get(files) ?? textHash(files)
  hashes.set(files, hash)
  return hash
}
