import type { RuleSource } from '../../model/block.ts'
import type { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import type { Gauge, Logger } from '../../model/telemetry.ts'
import { compileRuleSet, formatIssues } from '../../rules/index.ts'
import type { Reloadable } from './service.ts'
import { watchFiles } from './watch.ts'

export interface LiveRulesOptions {
  readonly streams: readonly Stream[]
  readonly counters: Counters
  readonly logger: Logger
  /** Reads the configured files anew. EngineError INPUT_MISSING. */
  readonly read: () => readonly RuleSource[]
  /** Epoch ms. */
  readonly clock: () => number
}

interface Refused {
  /** `textHash` of the set's files; empty: they could not be read. */
  readonly hash: string
  readonly faults: string
  readonly atMs: number
}

/**
 * The life of a rule set in a running engine, whatever its log: configured or pushed, checked whole against the versions
 * in force, then in force, or refused with every fault, which leaves the one before in force and is said in the log of
 * the process, in a metric and in /readyz. A subclass knows where sets are put, and who takes them from there.
 */
export abstract class LiveRules implements Reloadable {
  readonly #options: LiveRulesOptions
  #changedMs: number | null = null
  #refused: Refused | null = null

  protected constructor(options: LiveRulesOptions) {
    this.#options = options
  }

  /** In force. */
  abstract get files(): readonly RuleSource[]
  abstract get set(): RuleSet

  /** Files that are the configured ones from now on, to be in force as soon as may be. */
  abstract offer(files: readonly RuleSource[]): void

  /** Reads the configured files again. */
  reload(): void {
    try {
      this.offer(this.#options.read())
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.refuse('', error.message)
    }
  }

  /** Reloads whenever the files have changed. Returns what ends it. */
  watch(everyMs?: number): () => void {
    return watchFiles(this.#options.read, () => this.reload(), everyMs)
  }

  /** For /readyz. */
  status(): { readonly rules: object; readonly trouble: string | null } {
    const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
    const refused = this.#refused && { at: iso(this.#refused.atMs), faults: this.#refused.faults }
    const rules = { hash: this.set.hash, changed_at: iso(this.#changedMs), refused }
    return {
      rules,
      trouble: refused && `a changed rule set was refused, the one before is in force: ${firstLine(refused.faults)}`,
    }
  }

  gauges(): Gauge[] {
    const gauge = (name: string, value: number, labels = {}): Gauge => ({ name, labels, value })
    return [
      gauge('rules_info', 1, { hash: this.set.hash }),
      gauge('rules_refused', this.#refused ? 1 : 0),
      ...(this.#changedMs === null ? [] : [gauge('rules_changed_timestamp_seconds', this.#changedMs / 1e3)]),
    ]
  }

  protected get refused(): Refused | null {
    return this.#refused
  }

  /** Rules were put where the set in force stands; null: before all that is in the log. */
  protected putAt(atMs: number | null): void {
    this.#changedMs = atMs
  }

  /** The last word is that what is wanted is in force, or will be. */
  protected accepted(): void {
    this.#refused = null
  }

  /** Another set is in force. */
  protected taken({ hash, rules, sequences, rankings }: RuleSet): void {
    const fields = { hash, rules: rules.length + sequences.length + rankings.length }
    this.#options.logger.info(fields, 'a changed rule set is in force')
  }

  protected refuse(hash: string, faults: string): void {
    this.#options.counters.counter('rule_sets_refused_total').value++
    this.sayRefused(hash, faults)
  }

  /** Of one that is counted. */
  protected sayRefused(hash: string, faults: string): void {
    const { clock, logger } = this.#options
    this.#refused = { hash, faults, atMs: clock() }
    const fields = { reason: firstLine(faults), faults }
    logger.error(fields, 'a changed rule set was refused; the one before stays in force')
  }

  /** Of a reload. */
  protected sayUnchanged(): void {
    this.#options.logger.info({}, 'the rule files say what is in force')
  }

  /** Every fault, where there is one: of its own, or that it changes a rule of `inForce` without raising its version. */
  protected compiled(files: readonly RuleSource[], inForce?: RuleSet): RuleSet | string {
    const compiled = compileRuleSet(files, { streams: this.#options.streams, ...(inForce ? { inForce } : {}) })
    return compiled.ok ? compiled.set : formatIssues(compiled.issues, files).trimEnd()
  }
}

/** What stands where rule sets are put. */
interface Standing {
  /** It says what the configured files say, and is in force. */
  readonly isSame: boolean
  readonly isInForce: boolean
  /** `textHash` of the configured files that were put there last; null = none were. */
  readonly configured: string | null
}

/**
 * What is due for the configured files, whose `textHash` is `configured`: to put them there, to note there that they are
 * the configured ones, or nothing. At a start a pushed set stays until the configured files change; a reload puts them
 * in force in any case.
 */
export function dueFor(why: 'start' | 'reload', configured: string, standing: Standing): 'put' | 'note' | null {
  const isNoted = standing.configured === configured
  if (standing.isSame) return isNoted ? null : 'note'
  if (why === 'reload') return 'put'
  if (standing.isInForce && standing.configured === null) return 'note' // pushed before the first start of all
  return isNoted ? null : 'put'
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}
