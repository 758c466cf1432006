import { putIn, putMeta } from '../../edge/local/control.ts'
import type { LocalWriter } from '../../edge/local/writer.ts'
import type { LogEntry, RuleSource } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import type { RuleSet } from '../../model/rule.ts'
import { rulesHash, textHash } from '../../model/rule-text.ts'
import type { Task } from '../../task/task.ts'
import { dueFor, LiveRules, type LiveRulesOptions } from './live-rules.ts'

interface LocalRulesOptions extends LiveRulesOptions {
  readonly task: Task
  readonly writer: LocalWriter
  /** A record was appended. */
  readonly wake: () => void
}

/** On the local log a set is a record, which the one task takes at its place among the events, or refuses there. */
export class LocalRules extends LiveRules {
  readonly #options: LocalRulesOptions
  #inForce: readonly RuleSource[] = []
  #taskRefusal: string | null = null

  constructor(options: LocalRulesOptions) {
    super(options)
    this.#options = options
  }

  get files(): readonly RuleSource[] {
    return this.#options.task.ruleFiles
  }

  get set(): RuleSet {
    return this.#options.task.ruleSet
  }

  /**
   * Puts the configured rules in force where they are not. At the very beginning they stand before all that is in the
   * log; later behind it: what was appended while no engine ran is read under the rules of then. EngineError
   * RULES_INVALID: the set cannot take the place of the one in force.
   */
  begin(position: number, files: readonly RuleSource[]): void {
    const { writer, logger } = this.#options
    this.#inForce = this.files
    this.putAt(putIn(writer).atMs)
    const entries = this.#put('start', files, position)
    if (typeof entries === 'string') throw new EngineError('RULES_INVALID', entries)
    if (entries.length > 0)
      logger.info({ files: files.length }, position < 0 ? 'rules put in force' : 'the rule files have changed')
  }

  offer(files: readonly RuleSource[]): void {
    const { logger, wake } = this.#options
    const entries = this.#put('reload', files, 0)
    if (typeof entries === 'string') {
      this.refuse(textHash(files), entries)
      return
    }
    this.accepted()
    if (entries.length === 0) this.sayUnchanged()
    for (const entry of entries)
      if (entry.kind === 'list')
        logger.info({ list: entry.list, added: entry.add.length, removed: entry.remove.length }, 'a list has changed')
    wake()
  }

  /** To be told after each commit: the task may have taken a set, or refused it. */
  committed(): void {
    const { task, clock } = this.#options
    if (task.ruleFiles !== this.#inForce) {
      this.#inForce = task.ruleFiles
      this.putAt(clock())
      this.accepted()
      this.taken(task.ruleSet)
    }
    if (task.refusal === this.#taskRefusal) return
    this.#taskRefusal = task.refusal
    if (task.refusal !== null) this.sayRefused('', task.refusal)
  }

  /** What was put into the log for `files` to be in force; every fault, where there is one. `position`: of the last commit. */
  #put(why: 'start' | 'reload', files: readonly RuleSource[], position: number): readonly LogEntry[] | string {
    const { writer, logger, clock } = this.#options
    const hash = textHash(files)
    const isSame = rulesHash(files) === rulesHash(this.files)
    const { configured } = putIn(writer)
    const due = position < 0 ? 'put' : dueFor(why, hash, { isSame, isInForce: true, configured: configured ?? '' })
    if (due === null && !isSame) {
      logger.info({}, 'the rules in force were pushed: the configured files have not changed since')
      return []
    }
    const set = this.compiled(files, this.set)
    if (typeof set === 'string') return set
    const entries: LogEntry[] = isSame ? this.#listChanges(set) : [{ kind: 'rules', files }]
    if (position < 0) for (const entry of entries) writer.putFirst(entry)
    const appended = position < 0 ? [] : entries
    if (due !== null || appended.length > 0)
      writer.appendWith(appended, putMeta(hash, appended.length > 0 ? clock() : null))
    return entries
  }

  /** Where only files that lists read from have changed, what has changed in them. */
  #listChanges({ lists }: RuleSet): LogEntry[] {
    const { task, clock } = this.#options
    return lists.flatMap(({ id, items, source }): LogEntry[] => {
      if (source?.kind !== 'file') return []
      const known = new Set(task.listItems(id))
      const wanted = new Set(items)
      const add = items.filter((item) => !known.has(item))
      const remove = [...known].filter((item) => !wanted.has(item))
      const isSame = add.length === 0 && remove.length === 0
      return isSame ? [] : [{ kind: 'list', list: id, add, remove, ttlMs: null, atMs: clock() }]
    })
  }
}
