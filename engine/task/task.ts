import assert from 'node:assert/strict'
import type { Block, LogRecord, RuleSource } from '../model/block.ts'
import type { Counter, Counters } from '../model/counters.ts'
import { EngineError } from '../model/errors.ts'
import type { Cell, Output } from '../model/output.ts'
import type { Sink } from '../model/ports.ts'
import type { ListItem, RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { compileRuleSet, formatIssues } from '../rules/index.ts'
import { type Alert, alertFromJson } from './alert.ts'
import { alertKey } from './alert-book.ts'
import { Core, rankingKey } from './core.ts'
import { blocksOf, type HeldBlock } from './held-blocks.ts'
import { DROPPED, Intake, WANTED } from './intake.ts'
import { Lists } from './lists.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'
import { type SavedSource, Sources } from './sources.ts'

const EMPTY: RuleSet = { hash: '', rules: [], sequences: [], rankings: [], lists: [] }

export interface TaskOptions {
  readonly streams: readonly Stream[]
  readonly counters: Counters
  /** The input is the whole history: coverage is 1 from its start. */
  readonly finite: boolean
  /** Emit a row of measures for each event that a rule takes. */
  readonly measures?: boolean
}

/** What a task remembers beyond its events, alerts and ranks; part of every commit. */
interface Meta {
  readonly streamMs: number | null
  readonly historyMs: number | null
  /** Event type -> events of it are held from after this stream time on; null = from the beginning. */
  readonly heldSinceMs: Readonly<Record<string, number | null>>
  readonly sources: readonly SavedSource[]
  /** Events ever held, and entered on each settled clock: what alerts count their suspects by. */
  readonly rows: number
  readonly entries: Readonly<Record<string, number>>
}

/** Key under which a commit keeps the meta record. */
export const META_KEY = 'task'
/** Key under which a commit keeps the rule files in force. */
export const RULES_KEY = 'rules'

/**
 * One partition of one exchange: reads its log, makes alerts and rankings. A deterministic function of the records that
 * it is given: no clock, no chance, no I/O.
 *
 * A commit is what `process` put out since the last `flush`, what `flush` puts out, and the position of the last record.
 */
export class Task {
  readonly #options: TaskOptions
  readonly #sources = new Sources()
  readonly #intake: Intake
  readonly #lists: Lists
  #core: Core
  #set: RuleSet = EMPTY
  #files: readonly RuleSource[] = []
  #refusal: string | null = null
  #streamMs = Number.NEGATIVE_INFINITY
  #historyMs = Number.NEGATIVE_INFINITY
  #heldSinceMs = new Map<string, number>()
  #sink: Sink | null = null
  #changes = new Map<string, string | null>()
  #metaIsStale = false
  #replaying = false
  readonly #outOfRange: Counter

  constructor(options: TaskOptions) {
    this.#options = options
    const { counters, streams } = options
    this.#outOfRange = counters.counter('out_of_range_total')
    this.#intake = new Intake(streams, counters, (type) => this.#core.layout.typeIndex.get(type) ?? -1)
    this.#lists = new Lists(counters)
    this.#core = this.#newCore(EMPTY)
  }

  /** Largest event time or mark read, epoch ms; -Infinity before the first. */
  get streamMs(): number {
    return this.#streamMs
  }

  /** The rule set in force. */
  get ruleSet(): RuleSet {
    return this.#set
  }

  /** The files it was compiled from; empty when it was installed as such. */
  get ruleFiles(): readonly RuleSource[] {
    return this.#files
  }

  /** Every fault of the last rule set read, where it was refused; null = it is in force. No part of the state. */
  get refusal(): string | null {
    return this.#refusal
  }

  get openAlerts(): number {
    return this.#core.alerts.openCount
  }

  /** Events held in memory; those of the last 4,096 or fewer that have left all windows included. */
  get heldEvents(): number {
    return this.#core.rows.endRow - this.#core.rows.firstRow
  }

  /** What is on a named list; null = the rule set has none of that name. */
  listItems(id: string): ListItem[] | null {
    return this.#lists.items(id)
  }

  /** How far back, from stream time, records of the log are needed to build the state again. */
  get rebuildSpanMs(): number {
    const { streams } = this.#options
    return (
      this.#core.layout.retentionMs +
      Math.max(...streams.map((s) => s.latenessMs)) +
      Math.max(...streams.map((s) => s.dedupeMs))
    )
  }

  process(record: LogRecord, sink: Sink): void {
    this.#sink = sink
    const { entry, position } = record
    if (entry.kind === 'block') this.#readBlock(entry)
    else if (entry.kind === 'mark') this.#advance(this.#sources.mark(entry))
    else if (entry.kind === 'rules') this.#readRules(entry.files)
    else if (!this.#replaying) this.#lists.apply(entry, position, this.#streamMs)
    this.#lists.settle(position, this.#streamMs)
    this.#core.trim()
    this.#metaIsStale = true
    this.#sink = null
  }

  /** Puts out what changed since the last flush, for the commit. */
  flush(sink: Sink): void {
    this.#core.alerts.flush()
    if (this.#metaIsStale) this.#changes.set(META_KEY, JSON.stringify(this.#meta()))
    this.#metaIsStale = false
    this.#lists.flush((key, value) => this.#changes.set(key, value), this.#streamMs - this.rebuildSpanMs)
    for (const [key, value] of this.#changes) sink.change({ key, value })
    this.#changes.clear()
  }

  /**
   * The end of a finite input. `drained`: the clock goes on until nothing is left to happen; `last`: it stops; then
   * what is open closes.
   */
  finish(until: 'drained' | 'last', sink: Sink): void {
    this.#sink = sink
    const endMs = until === 'drained' ? this.#core.drain(this.#streamMs) : this.#streamMs
    this.#core.alerts.closeAll(endMs)
    this.#sink = null
  }

  /** Moves stream time on, as a mark over all sources would. */
  advanceTo(streamMs: number, sink: Sink): void {
    this.#sink = sink
    this.#advance(streamMs)
    this.#sink = null
  }

  /** Puts a compiled rule set in force: its state is filled at once from the events held. */
  install(set: RuleSet): void {
    const { layout } = this.#core
    const types = [...set.rules, ...set.rankings].flatMap((d) => d.on)
    for (const type of new Set(types)) {
      // a type is held since it was first wanted, and not longer than the longest window of before reached back
      const sinceMs = layout.typeIndex.has(type) ? this.#streamMs - layout.retentionMs : this.#streamMs
      this.#heldSinceMs.set(type, Math.max(this.#heldSinceMs.get(type) ?? Number.NEGATIVE_INFINITY, sinceMs))
    }
    this.#lists.startAnew(set)
    this.#fill(set)
  }

  /** The whole state. The task may go on. */
  snapshot(): Uint8Array {
    return encodeSnapshot(
      {
        meta: JSON.stringify({
          ...this.#meta(),
          lists: this.#lists.saved(),
          warmUntilMs: finite(this.#core.warmUntilMs),
        }),
        files: this.#files,
        ruleSetHash: this.#set.hash,
        alerts: this.#core.alerts.open(),
        ranks: ranksOf(this.#core),
        ids: this.#intake.snapshotIds(),
        held: blocksOf(this.#core, this.#sources.list),
      },
      this.#options.streams,
    )
  }

  /**
   * Takes a snapshot up, in a task that has read nothing yet. A rule set that was installed as such (not read from the
   * log) must have been installed again before. Throws EngineError STATE_CORRUPT when the bytes are not whole.
   */
  restore(bytes: Uint8Array): void {
    const saved = decodeSnapshot(bytes, this.#options.streams)
    const meta: Meta & { readonly lists: [string, string][]; readonly warmUntilMs: number | null } = JSON.parse(
      saved.meta,
    )
    this.#lists.restore(meta.lists)
    if (saved.files.length > 0) this.#adopt(saved.files)
    assert.equal(this.#set.hash, saved.ruleSetHash)
    this.#core.warmUntilMs = meta.warmUntilMs ?? Number.NEGATIVE_INFINITY
    this.#sources.restore(meta.sources)
    this.#readHeld(saved.held, true)
    this.#intake.restoreIds(saved.ids)
    this.#takeUp(meta, saved.alerts, saved.ranks, saved.held)
  }

  /**
   * Begins to build the state again from the log, in a task that has read nothing yet. `kept`: what the commits kept.
   * Then `replay` for each record, from `rebuildSpanMs` of stream time before the committed position, or from the
   * beginning of the log; then `endReplay`.
   */
  beginReplay(kept: ReadonlyMap<string, string>): void {
    const meta = kept.get(META_KEY)
    const files = kept.get(RULES_KEY)
    this.#lists.restore(kept)
    if (meta !== undefined) this.#heldSinceMs = heldSinceOf(JSON.parse(meta))
    if (files !== undefined) this.#adopt(JSON.parse(files))
    this.#replaying = true
  }

  /** Reads a record of the past for its events alone: windows are filled, nothing is evaluated or put out. */
  replay(record: LogRecord): void {
    assert(this.#replaying)
    this.#core.evaluating = false
    this.#lists.replayingAt = record.position
    this.process(record, { output: () => assert.fail('nothing is put out in a replay'), change: () => {} })
  }

  /** Ends a replay: takes up the open alerts and ranks of the last commit, and evaluates from here on. */
  endReplay(kept: ReadonlyMap<string, string>): void {
    this.#replaying = false
    this.#lists.replayingAt = null
    this.#core.evaluating = true
    this.#changes.clear()
    const meta = kept.get(META_KEY)
    if (meta === undefined) return
    const parsed: Meta = JSON.parse(meta)
    this.#sources.restore(parsed.sources)
    const entries = [...kept]
    const alerts = entries.filter(([key]) => key.startsWith('alert/')).map(([, value]) => alertFromJson(value))
    const ranks = entries.filter(([key]) => key.startsWith('ranking/'))
    this.#takeUp(parsed, alerts, ranks)
  }

  #newCore(set: RuleSet): Core {
    this.#lists.install(set)
    const core = new Core({
      streams: this.#options.streams,
      set,
      counters: this.#options.counters,
      sources: this.#sources.list,
      heldSinceMs: (type) => Math.max(this.#historyMs, this.#heldSinceMs.get(type) ?? Number.NEGATIVE_INFINITY),
      lists: this.#lists,
      emit: (output) => this.#emit(output),
      changed: (key, value) => this.#changes.set(key, value),
    })
    core.alerts.measures = this.#options.measures === true
    return core
  }

  #emit(output: Output): void {
    assert(this.#sink, 'outputs are made while a record is processed')
    this.#sink.output(output)
    if (output.kind === 'alert') this.#lists.take(output)
  }

  /** A replay knows the rule set in force at its end: here it only lets go of what was not held at this place. */
  #readRules(files: readonly RuleSource[]): void {
    if (this.#replaying) {
      this.#fill(this.#set)
      return
    }
    const compiled = compileRuleSet(files, { streams: this.#options.streams, inForce: this.#set })
    this.#refusal = compiled.ok ? null : formatIssues(compiled.issues, files).trimEnd()
    if (!compiled.ok) {
      this.#options.counters.counter('rule_sets_refused_total').value++
      return
    }
    this.#files = files
    this.#changes.set(RULES_KEY, JSON.stringify(files))
    this.install(compiled.set)
  }

  /** Takes up a rule set that was in force, with nothing held yet. */
  #adopt(files: readonly RuleSource[]): void {
    const compiled = compileRuleSet(files, { streams: this.#options.streams })
    if (!compiled.ok) throw new EngineError('RULES_INVALID', 'the rule set in force no longer compiles')
    this.#files = files
    this.#set = compiled.set
    this.#core = this.#newCore(compiled.set)
    this.#intake.forgetTypes()
  }

  /** A new core under `set`, with the events held, the alerts and ranks of the one before. */
  #fill(set: RuleSet): void {
    const before = this.#core
    const held = blocksOf(before, this.#sources.list)
    const alerts = before.alerts.open()
    const ranks = ranksOf(before)
    before.alerts.flush()
    this.#set = set
    this.#core = this.#newCore(set)
    this.#core.evaluating = before.evaluating
    this.#core.warmUntilMs = this.#streamMs + this.#core.layout.retentionMs
    this.#intake.forgetTypes()
    this.#readHeld(held, false)
    const { rows, entries } = before.numbers()
    this.#core.setNumbers(rows, entries)
    for (const alert of alerts) if (!this.#restoreAlert(alert)) this.#changes.set(alertKey(alert), null)
    this.#restoreRanks(ranks)
  }

  #advance(streamMs: number): void {
    if (!(streamMs > this.#streamMs)) return
    if (this.#streamMs === Number.NEGATIVE_INFINITY && !this.#options.finite) this.#historyMs = streamMs
    this.#streamMs = streamMs
    this.#core.advance(streamMs)
  }

  #readBlock(block: Block): void {
    const intake = this.#intake
    const source = this.#sources.indexOf(block.sourceTopic, block.sourcePartition)
    intake.counting = !this.#replaying
    const wanted = intake.choose(block, this.#streamOf(block), this.#sources.list[source], this.#streamMs)
    let row = this.#core.hold(block, intake.wanted, wanted, intake.types, source)
    this.#outOfRange.value += this.#core.rows.takeOutOfRange()
    for (let i = 0; i < block.length; i++) {
      const verdict = intake.verdicts[i]
      if (verdict === DROPPED) continue
      const timeMs = block.timesMs[i]
      if (timeMs > this.#streamMs) this.#advance(timeMs)
      if (verdict === WANTED) this.#core.enter(row++)
    }
  }

  #streamOf(block: Block): Stream {
    const stream = this.#options.streams.find((s) => s.name === block.stream)
    assert(stream, `a block of a stream that is configured: ${block.stream}`)
    return stream
  }

  /**
   * Holds and enters events of before, in the order in which they were read, without evaluation. `asItWas`: under the
   * rule set of before, with the filters' answers of then.
   */
  #readHeld(held: readonly HeldBlock[], asItWas: boolean): void {
    const core = this.#core
    const evaluating = core.evaluating
    core.evaluating = false
    let streamMs = Number.NEGATIVE_INFINITY
    const sinceMs = core.layout.types.map(({ name }) => this.#heldSinceMs.get(name) ?? Number.NEGATIVE_INFINITY)
    for (const { block, bits } of held) {
      const wanted = this.#intake.list(block, (row, type) => asItWas || block.timesMs[row] > sinceMs[type])
      const source = this.#sources.indexOf(block.sourceTopic, block.sourcePartition)
      let row = core.hold(block, this.#intake.wanted, wanted, this.#intake.types, source)
      for (let k = 0; k < wanted; k++) {
        const i = this.#intake.wanted[k]
        if (block.timesMs[i] > streamMs) {
          streamMs = block.timesMs[i]
          core.advance(streamMs)
        }
        const words = core.rows.shape.bitWords
        core.enter(row++, asItWas ? bits.subarray(i * words, (i + 1) * words) : null)
      }
    }
    core.rows.takeOutOfRange()
    if (this.#streamMs !== Number.NEGATIVE_INFINITY) core.advance(this.#streamMs)
    core.evaluating = evaluating
  }

  #takeUp(
    meta: Meta,
    alerts: readonly Alert[],
    ranks: readonly (readonly [string, string])[],
    held: readonly HeldBlock[] = [],
  ): void {
    this.#historyMs = meta.historyMs ?? Number.NEGATIVE_INFINITY
    this.#heldSinceMs = heldSinceOf(meta)
    const evaluating = this.#core.evaluating
    this.#core.evaluating = false
    if (meta.streamMs !== null && meta.streamMs > this.#streamMs) {
      this.#streamMs = meta.streamMs
      this.#core.advance(meta.streamMs)
    }
    this.#core.evaluating = evaluating
    this.#core.setEntries(held.map((h) => h.entries))
    this.#core.setNumbers(meta.rows, meta.entries)
    for (const alert of alerts) this.#restoreAlert(alert)
    this.#restoreRanks(ranks)
  }

  #restoreAlert(alert: Alert): boolean {
    const key = (by: readonly string[]): Cell[] => by.map((name) => alert.key[name] ?? null)
    return this.#core.alerts.restore(alert, (plan) => this.#core.slotOfKey(plan, key(plan.rule.by)))
  }

  #restoreRanks(ranks: readonly (readonly [string, string])[]): void {
    for (const board of this.#core.boards) {
      const prefix = `${rankingKey(board.plan)}/`
      for (const [key, value] of ranks) if (key.startsWith(prefix)) board.restore(key.slice(prefix.length), value)
      board.arm(this.#streamMs - board.plan.ranking.settleMs, false)
    }
  }

  #meta(): Meta {
    return {
      streamMs: finite(this.#streamMs),
      historyMs: finite(this.#historyMs),
      heldSinceMs: Object.fromEntries([...this.#heldSinceMs].map(([type, ms]) => [type, finite(ms)])),
      sources: this.#sources.toJson(),
      ...this.#core.numbers(),
    }
  }
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

function heldSinceOf(meta: Meta): Map<string, number> {
  return new Map(Object.entries(meta.heldSinceMs).map(([type, ms]) => [type, ms ?? Number.NEGATIVE_INFINITY]))
}

function ranksOf(core: Core): [string, string][] {
  return core.boards.flatMap((board) =>
    board.saved().map(([group, value]): [string, string] => [`${rankingKey(board.plan)}/${group}`, value]),
  )
}
