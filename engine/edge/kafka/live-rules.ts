import { setTimeout as sleep } from 'node:timers/promises'
import type { RuleSource } from '../../model/block.ts'
import type { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { RuleSet } from '../../model/rule.ts'
import { textHash } from '../../model/rule-text.ts'
import type { Stream } from '../../model/stream.ts'
import { listTopicFault } from '../../plan/list-topics.ts'
import { planExchanges } from '../../plan/plan.ts'
import { compileRuleSet, formatIssues } from '../../rules/index.ts'
import type { KafkaConnection } from './client.ts'
import { reasonOf } from './errors.ts'
import type { Gauge } from './gauges.ts'
import { type Logger, Occasionally } from './log.ts'
import { controlTopic, type RefusedRecord, RulesTopic } from './rules-topic.ts'

const LOOK_EVERY_MS = 500
/** Refused records that are each said; of more, one every so often. */
const REFUSALS_SAID = 20
const REFUSALS_SAID_EVERY_MS = 10_000

interface Options {
  readonly connection: KafkaConnection
  readonly streams: readonly Stream[]
  readonly outputs: Readonly<Record<string, string>>
  readonly counters: Counters
  readonly log: Logger
  readonly clock: () => number
}

/**
 * The rules that a group's control topic says are in force, and what this engine makes of them. One that does not
 * compile here, or changes a rule without raising its version, leaves the one before in force.
 */
export class KafkaRules {
  readonly #options: Options
  #configured: readonly RuleSource[]
  #files: readonly RuleSource[]
  #set: RuleSet
  #changedMs: number | null = null
  #refused: { readonly hash: string; readonly faults: string; readonly atMs: number } | null = null
  #isFirst = true
  readonly #occasionally = new Occasionally(REFUSALS_SAID_EVERY_MS)
  /** Of the control topic: records that were refused, and the last one of them. */
  #strays = { count: 0, lastOffset: -1 }
  /** The last ones that the broker had topics for. */
  #usable: readonly RuleSource[] | null = null

  /** EngineError RULES_INVALID with every fault, if the configured files do not compile; CONFIG_INVALID where a list's topic is another's. */
  constructor(configured: readonly RuleSource[], options: Options) {
    this.#options = options
    const compiled = compile(configured, options.streams)
    if (typeof compiled === 'string') throw new EngineError('RULES_INVALID', compiled)
    const fault = this.#topicFault(compiled)
    if (fault !== null) throw new EngineError('CONFIG_INVALID', fault)
    this.#configured = this.#files = configured
    this.#set = compiled
  }

  get files(): readonly RuleSource[] {
    return this.#files
  }

  get set(): RuleSet {
    return this.#set
  }

  /**
   * Asks the control topic before a life begins. Configured files that have changed since they were put there are put
   * there; those that have not leave alone what was pushed after them.
   */
  async agree(): Promise<void> {
    await this.#withTopic(async (topic) => {
      const { rules } = await topic.state()
      const hash = textHash(this.#configured)
      if (rules && this.#isFirst) this.#take(rules.files, rules.atMs, false)
      this.#isFirst = false
      if (rules?.configured !== hash && this.#take(this.#configured, this.#options.clock(), rules !== null))
        await topic.put({ files: this.#configured, configured: hash, atMs: this.#changedMs! })
    })
  }

  /** Resolves when the control topic says another, sound rule set, which is then the one in force; or at `signal`. */
  async changed(signal: AbortSignal, isReady: () => boolean): Promise<void> {
    await this.#withTopic(async (topic) => {
      let answered = ''
      while (!signal.aborted) {
        const { rules } = await topic.state()
        const hash = rules ? textHash(rules.files) : null
        if (rules && hash !== textHash(this.#files) && hash !== this.#refused?.hash) {
          if (this.#take(rules.files, rules.atMs, true)) return
        }
        const refused = hash === this.#refused?.hash ? this.#refused!.faults : null
        if (hash !== null && hash !== answered && (refused !== null || isReady())) {
          await topic.answer({ hash, refused })
          answered = hash
        }
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
      }
    })
  }

  /** Puts files, now the configured ones, into the control topic; what comes of it is said in the log. */
  async offer(files: readonly RuleSource[]): Promise<void> {
    const { log, clock } = this.#options
    const compiled = this.#compiled(files, this.#set)
    if (typeof compiled === 'string') return this.refuse(textHash(files), compiled)
    this.#configured = files
    try {
      await this.#withTopic((topic) => topic.put({ files, configured: textHash(files), atMs: clock() }))
    } catch (error) {
      log.error({ reason: reasonOf(error) }, 'the changed rules could not be written to the control topic')
    }
  }

  refuse(hash: string, faults: string): void {
    const { log, counters, clock } = this.#options
    this.#refused = { hash, faults, atMs: clock() }
    counters.counter('rule_sets_refused_total').value++
    log.error(
      { reason: faults.split('\n', 1)[0], faults },
      'a changed rule set was refused; the one before stays in force',
    )
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
    const hash = textHash(this.#files)
    const back = [this.#usable, this.#configured].find((files) => files !== null && textHash(files) !== hash)
    if (!back || !this.#take(back, this.#options.clock(), false)) return false
    this.refuse(hash, reason)
    return true
  }

  /** For /readyz. */
  status(): { readonly rules: object; readonly trouble: string | null } {
    const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
    const refused = this.#refused && { at: iso(this.#refused.atMs), faults: this.#refused.faults }
    const [first] = (refused?.faults ?? '').split('\n', 1)
    const trouble = refused && `a changed rule set was refused, the one before is in force: ${first}`
    return { rules: { hash: this.#set.hash, changed_at: iso(this.#changedMs), refused }, trouble }
  }

  gauges(): Gauge[] {
    const changed =
      this.#changedMs === null
        ? []
        : [{ name: 'rules_changed_timestamp_seconds', labels: {}, value: this.#changedMs / 1e3 }]
    return [
      { name: 'rules_info', labels: { hash: this.#set.hash }, value: 1 },
      { name: 'rules_refused', labels: {}, value: this.#refused ? 1 : 0 },
      ...changed,
    ]
  }

  /** False, and refused, where the files do not compile or do not raise a version. */
  #take(files: readonly RuleSource[], atMs: number, isChange: boolean): boolean {
    const { log } = this.#options
    const compiled = this.#compiled(files, isChange ? this.#set : undefined)
    if (typeof compiled === 'string') {
      this.refuse(textHash(files), compiled)
      return false
    }
    if (isChange && compiled.hash !== this.#set.hash)
      log.info({ hash: compiled.hash }, 'a changed rule set is in force')
    this.#files = files
    this.#set = compiled
    this.#changedMs = atMs
    this.#refused = null
    return true
  }

  /** Every fault, where there is one. */
  #compiled(files: readonly RuleSource[], inForce?: RuleSet): RuleSet | string {
    const compiled = compile(files, this.#options.streams, inForce)
    return typeof compiled === 'string' ? compiled : (this.#topicFault(compiled) ?? compiled)
  }

  #topicFault(set: RuleSet): string | null {
    const { connection, outputs, streams } = this.#options
    return listTopicFault(set, { group: connection.group, outputs, streams })
  }

  /** The topic is read from its beginning at each life: what was counted and said is not again. */
  #passOver({ offset, reason }: RefusedRecord): void {
    if (offset <= this.#strays.lastOffset) return
    const { connection, counters, log } = this.#options
    const topic = controlTopic(connection.group)
    counters.counter('control_records_refused_total', { topic }).value++
    this.#strays = { count: this.#strays.count + 1, lastOffset: offset }
    const message = 'a record of the control topic is none of ours; it is passed over'
    if (this.#strays.count <= REFUSALS_SAID) log.warn({ topic, offset, reason }, message)
    else this.#occasionally.warn(log, { topic, offset, reason }, message)
  }

  async #withTopic(work: (topic: RulesTopic) => Promise<void>): Promise<void> {
    const topic = new RulesTopic(this.#options.connection, this.#options.log, (record) => this.#passOver(record))
    try {
      await topic.connect()
      await work(topic)
    } finally {
      await topic.close()
    }
  }
}

/** Every fault, where there is one. */
function compile(files: readonly RuleSource[], streams: readonly Stream[], inForce?: RuleSet): RuleSet | string {
  const compiled = compileRuleSet(files, { streams, ...(inForce ? { inForce } : {}) })
  if (!compiled.ok) return formatIssues(compiled.issues, files).trimEnd()
  if (planExchanges(compiled.set, streams).length === 0) return 'no rule and no ranking is live or shadow'
  return compiled.set
}
