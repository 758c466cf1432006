import { CHANGED_MS, CONFIGURED, putMeta } from '../../edge/local/rules.ts'
import type { LocalWriter } from '../../edge/local/writer.ts'
import type { LogEntry, RuleSource } from '../../model/block.ts'
import type { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import { rulesHash, textHash } from '../../model/rule-text.ts'
import type { Stream } from '../../model/stream.ts'
import { compileRuleSet, formatIssues } from '../../rules/index.ts'
import type { Task } from '../../task/task.ts'
import type { Gauge, Logger } from './service.ts'
import { watchFiles } from './watch.ts'

interface LiveRulesOptions {
  readonly task: Task
  readonly writer: LocalWriter
  readonly streams: readonly Stream[]
  readonly counters: Counters
  readonly logger: Logger
  /** Reads the configured files anew. EngineError INPUT_MISSING. */
  readonly read: () => readonly RuleSource[]
  /** A record was appended. */
  readonly wake: () => void
}

/**
 * The rules of a running engine on the local log. A changed set is checked whole and goes into the log as a record; the
 * task takes it there. One that is refused, here or by the task, leaves the one before in force: it is said in the log
 * of the process, in a metric and in /readyz.
 */
export class LiveRules {
  readonly #options: LiveRulesOptions
  #inForce: readonly RuleSource[] = []
  #changedMs: number | null = null
  #taskRefusal: string | null = null
  #refused: { readonly atMs: number; readonly faults: string } | null = null

  constructor(options: LiveRulesOptions) {
    this.#options = options
  }

  /**
   * Puts the configured rules in force where they are not. At the very beginning they stand before all that is in the
   * log; later behind it: what was appended while no engine ran is read under the rules of then. Configured files that
   * have not changed since they were put in force leave a set alone that was pushed after them. EngineError
   * RULES_INVALID: the set cannot take the place of the one in force.
   */
  begin(position: number, files: readonly RuleSource[]): void {
    const { task, writer, logger } = this.#options
    this.#inForce = task.ruleFiles
    const changedMs = writer.meta(CHANGED_MS)
    this.#changedMs = changedMs === null ? null : Number(changedMs)
    const hash = textHash(files)
    const isConfigured = writer.meta(CONFIGURED) === hash
    if (isConfigured && rulesHash(files) !== rulesHash(task.ruleFiles)) {
      if (position >= 0) logger.info({}, 'the rules in force were pushed: the configured files have not changed since')
      return
    }
    const entries = this.#entries(files)
    if (typeof entries === 'string') throw new EngineError('RULES_INVALID', entries)
    if (position < 0) for (const entry of entries) writer.putFirst(entry)
    else if (entries.length > 0) writer.appendWith(entries, putMeta(files, true))
    if (!isConfigured) writer.appendWith([], { [CONFIGURED]: hash })
    if (entries.length > 0)
      logger.info({ files: files.length }, position < 0 ? 'rules put in force' : 'the rule files have changed')
  }

  /** Reads the configured files again; a set that has changed and is sound goes into the log. */
  reload(): void {
    try {
      this.#offer(this.#options.read())
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#refuse(error.message)
    }
  }

  /** Reloads whenever the files have changed. Returns what ends it. */
  watch(everyMs?: number): () => void {
    return watchFiles(this.#options.read, () => this.reload(), everyMs)
  }

  /** To be told after each commit: the task may have taken a set, or refused it. */
  committed(): void {
    const { task, logger } = this.#options
    if (task.ruleFiles !== this.#inForce) {
      this.#inForce = task.ruleFiles
      this.#changedMs = Date.now()
      this.#refused = null
      const { hash, rules, sequences, rankings } = task.ruleSet
      logger.info({ hash, rules: rules.length + sequences.length + rankings.length }, 'a changed rule set is in force')
    }
    if (task.refusal === this.#taskRefusal) return
    this.#taskRefusal = task.refusal
    if (task.refusal !== null) this.#say(task.refusal)
  }

  /** For /readyz. */
  status(): { readonly rules: object; readonly trouble: string | null } {
    const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
    const refused = this.#refused && { at: iso(this.#refused.atMs), faults: this.#refused.faults }
    const rules = { hash: this.#options.task.ruleSet.hash, changed_at: iso(this.#changedMs), refused }
    return {
      rules,
      trouble: refused && `a changed rule set was refused, the one before is in force: ${firstLine(refused.faults)}`,
    }
  }

  gauges(): Gauge[] {
    const { hash } = this.#options.task.ruleSet
    const changed =
      this.#changedMs === null
        ? []
        : [{ name: 'rules_changed_timestamp_seconds', labels: {}, value: this.#changedMs / 1e3 }]
    return [
      { name: 'rules_info', labels: { hash }, value: 1 },
      { name: 'rules_refused', labels: {}, value: this.#refused ? 1 : 0 },
      ...changed,
    ]
  }

  #offer(files: readonly RuleSource[]): void {
    const { logger, writer, wake } = this.#options
    const entries = this.#entries(files)
    if (typeof entries === 'string') {
      this.#refuse(entries)
      return
    }
    this.#refused = null
    if (entries.length === 0) {
      logger.info({}, 'the rule files say what is in force')
      return
    }
    writer.appendWith(entries, putMeta(files, true))
    for (const entry of entries)
      if (entry.kind === 'list')
        logger.info({ list: entry.list, added: entry.add.length, removed: entry.remove.length }, 'a list has changed')
    wake()
  }

  /**
   * What the log needs for `files` to be in force: the whole set, or where only files that lists read from have changed,
   * what has changed in them. Every fault, where there is one.
   */
  #entries(files: readonly RuleSource[]): LogEntry[] | string {
    const { task, streams } = this.#options
    const compiled = compileRuleSet(files, { streams, inForce: task.ruleSet })
    if (!compiled.ok) return formatIssues(compiled.issues, files).trimEnd()
    if (rulesHash(files) !== rulesHash(task.ruleFiles)) return [{ kind: 'rules', files }]
    return compiled.set.lists.flatMap(({ id, items, source }): LogEntry[] => {
      if (source?.kind !== 'file') return []
      const known = new Set(task.listItems(id))
      const wanted = new Set(items)
      const add = items.filter((item) => !known.has(item))
      const remove = [...known].filter((item) => !wanted.has(item))
      const isSame = add.length === 0 && remove.length === 0
      return isSame ? [] : [{ kind: 'list', list: id, add, remove, ttlMs: null, atMs: Date.now() }]
    })
  }

  #refuse(faults: string): void {
    this.#options.counters.counter('rule_sets_refused_total').value++
    this.#say(faults)
  }

  #say(faults: string): void {
    this.#refused = { atMs: Date.now(), faults }
    const fields = { reason: firstLine(faults), faults }
    this.#options.logger.error(fields, 'a changed rule set was refused; the one before stays in force')
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}
