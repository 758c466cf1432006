import assert from 'node:assert/strict'
import type { Block, LogRecord, RuleSource } from '../model/block.ts'
import type { Counter, Counters } from '../model/counters.ts'
import { EngineError, SnapshotRefused } from '../model/errors.ts'
import { DEFAULT_LIMITS, type Limits } from '../model/limits.ts'
import type { Cell, Output } from '../model/output.ts'
import type { SavedState, Sink } from '../model/ports.ts'
import type { ListItem, RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { compileRuleSet, formatIssues } from '../rules/index.ts'
import type { HeldPart } from '../state/rows.ts'
import { type Alert, alertFromJson, alertKey } from './alert.ts'
import type { AlertPlan } from './alert-plan.ts'
import { Core, type HeldSegments, rankingKey } from './core.ts'
import { blocksOf } from './held-blocks.ts'
import { DROPPED, Intake, WANTED } from './intake.ts'
import { Lists } from './lists.ts'
import { type Origin, SequenceOrigins } from './sequence/origins.ts'
import { freezeSequences, loadSequences, saveSequences } from './sequence/saved.ts'
import { sequencesSpanMs } from './sequence/span.ts'
import { decodeSnapshot, encodeSnapshot, readHead, readPieces, shapeOf, TaskSnapshot } from './snapshot.ts'
import { type SavedSource, Sources } from './sources.ts'

const EMPTY: RuleSet = { hash: '', rules: [], sequences: [], rankings: [], lists: [], features: [] }

export interface TaskOptions {
  readonly streams: readonly Stream[]
  readonly counters: Counters
  /** The input is the whole history: coverage is 1 from its start. */
  readonly finite: boolean
  /** Emit a row of measures for each event that a rule takes. */
  readonly measures?: boolean
  /** Where events that change no more are kept besides memory, for one filling of the state. */
  readonly held?: () => HeldSegments
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: Limits
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
  /** Since when sequences know their events. */
  readonly origins: Readonly<Record<string, Origin>>
  /** `rule@version#hash` -> position of the record that put it in force; -1 = it was installed. */
  readonly inForceSince: Readonly<Record<string, number>>
  /** Such a position -> `heldSinceMs` as it was there. */
  readonly heldSinceAt: Readonly<Record<number, Meta['heldSinceMs']>>
}

/** Key under which a commit keeps the meta record. */
export const META_KEY = 'task'
/** Key under which a commit keeps the rule files in force. */
export const RULES_KEY = 'rules'

const NOWHERE: Sink = { output: () => {}, change: () => {} }

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
  readonly #origins = new SequenceOrigins()
  readonly #lists: Lists
  #core: Core
  #set: RuleSet = EMPTY
  #files: readonly RuleSource[] = []
  #refusal: string | null = null
  #streamMs = Number.NEGATIVE_INFINITY
  #historyMs = Number.NEGATIVE_INFINITY
  #heldSinceMs = new Map<string, number>()
  #inForceSince: Readonly<Record<string, number>> = {}
  #heldSinceAt: Meta['heldSinceAt'] = {}
  #sink: Sink | null = null
  #changes = new Map<string, string | null>()
  /** Open alerts and ranks as the next commit would leave them. */
  #kept = new Map<string, string>()
  /** The core of the last snapshot, and the first parts of its events that it did not have as they will ever be. */
  #saved: { readonly core: Core; readonly chunksEnd: number; readonly indexEnd: number } | null = null
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

  /** What the rules read and know, for those who explain them. */
  get core(): Core {
    return this.#core
  }

  /** Every fault of the last rule set read, where it was refused; null = it is in force. No part of the state. */
  get refusal(): string | null {
    return this.#refusal
  }

  get openAlerts(): number {
    return this.#core.alerts.openCount
  }

  /** Keys that are live, over all key spaces. */
  get liveKeys(): number {
    return this.#core.layout.spaces.reduce((sum, { keys }) => sum + keys.size, 0)
  }

  /** Keys that features have published something of. */
  get publishedKeys(): number {
    return this.#core.layout.boards.reduce((sum, { keys }) => sum + keys, 0)
  }

  /** Values that measures remember one by one. */
  get liveValues(): number {
    return this.#core.layout.values.used
  }

  /** Bytes in memory of the events held, texts left out. */
  get heldBytes(): number {
    return this.#core.rows.bytesInMemory
  }

  /** Keys of which sequences remember something. */
  get rememberedKeys(): number {
    return this.#core.sequences.keys
  }

  /** Timers of sequences that are still to fire. */
  get liveTimers(): number {
    return this.#core.sequences.liveTimers
  }

  /** Events held; those of the last 4,096 or fewer that have left all windows included. */
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
    const { retentionMs, baselineSpanMs, reachMs } = this.#core.layout
    return (
      Math.max(retentionMs, baselineSpanMs, sequencesSpanMs(this.#set.sequences) + reachMs) +
      Math.max(...streams.map((s) => s.latenessMs)) +
      Math.max(...streams.map((s) => s.dedupeMs))
    )
  }

  process(record: LogRecord, sink: Sink): void {
    this.#sink = sink
    const { entry, position } = record
    if (entry.kind === 'block') this.#readBlock(entry)
    else if (entry.kind === 'mark') this.#advance(this.#sources.mark(entry))
    else if (entry.kind === 'rules') this.#readRules(entry.files, position)
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

  /**
   * Puts a compiled rule set in force: its state is filled at once from the events held. `position`: that of the log
   * record that brought it.
   */
  install(set: RuleSet, position = -1): void {
    const { layout } = this.#core
    const types = [...set.rules, ...set.sequences, ...set.rankings, ...set.features].flatMap((d) => d.on)
    for (const type of new Set(types)) {
      // a type is held since it was first wanted, and not longer than the longest window of before reached back
      const sinceMs = layout.typeIndex.has(type) ? this.#streamMs - layout.retentionMs : this.#streamMs
      this.#heldSinceMs.set(type, Math.max(this.#heldSinceMs.get(type) ?? Number.NEGATIVE_INFINITY, sinceMs))
    }
    this.#origins.install(set, position, (type) => this.#heldSinceMs.get(type) ?? Number.NEGATIVE_INFINITY)
    const names = [...set.rules, ...set.rankings, ...set.features].map((d) => `${d.id}@${d.version}#${d.hash}`)
    this.#inForceSince = Object.fromEntries(names.map((name) => [name, this.#inForceSince[name] ?? position]))
    const known = { ...this.#heldSinceAt, [position]: heldSinceToJson(this.#heldSinceMs) }
    this.#heldSinceAt = Object.fromEntries(Object.values(this.#inForceSince).map((at) => [at, known[at]]))
    this.#lists.startAnew(set)
    this.#fill(set, position)
  }

  /** The whole state. The task may go on. */
  snapshot(): Uint8Array {
    return encodeSnapshot(this.beginSnapshot(true))
  }

  /**
   * Begins a snapshot of this moment, to be copied while the task goes on: of all (`full`, or the first one of a rule
   * set), or of what changed since the one before, if that was copied to its end. One at a time.
   */
  beginSnapshot(full: boolean): TaskSnapshot {
    const core = this.#core
    core.alerts.flush()
    const held = core.saveHeld()
    const before = this.#saved?.core === core ? this.#saved : null
    this.#saved = { core, chunksEnd: endOf(held.chunks), indexEnd: endOf(held.index) }
    return new TaskSnapshot({
      shape: this.#shape(),
      ruleSetHash: this.#set.hash,
      files: this.#files,
      meta: JSON.stringify({ ...this.#meta(), lists: this.#lists.saved() }),
      memories: [core.memory, this.#intake.memory],
      held,
      kept: this.#kept,
      full: full || before === null,
      firstNewChunk: before?.chunksEnd ?? 0,
      firstNewIndex: before?.indexEnd ?? 0,
    })
  }

  /**
   * Takes a snapshot up, in a task that has read nothing yet and is of no use if this fails. A rule set that was
   * installed as such (not read from the log) must have been installed again before. Throws SnapshotRefused when it is
   * not whole or of another shape.
   */
  restore(snapshot: Uint8Array | SavedState): void {
    const saved = snapshot instanceof Uint8Array ? decodeSnapshot(snapshot) : snapshot
    const head = readHead(saved)
    const meta: Meta & { readonly lists: [string, string][] } = JSON.parse(head.meta)
    this.#lists.restore(meta.lists)
    if (head.files.length > 0) this.#adopt(head.files)
    if (this.#shape() !== head.shape)
      throw new SnapshotRefused('shape', 'rules, streams or engine are not those that it was made with')
    const state = readPieces(head, saved.pieces)
    const core = this.#core
    this.#streamMs = meta.streamMs ?? Number.NEGATIVE_INFINITY
    this.#takeUpHistory(meta)
    this.#sources.restore(meta.sources)
    core.memory.load(state.roots[0], state.pages[0])
    this.#intake.memory.load(state.roots[1], state.pages[1])
    core.loadHeld(state.held)
    this.#keepAll(state.kept)
    for (const alert of alertsIn(state.kept)) this.#restoreAlert(alert, (plan, key) => core.reclaimSlot(plan, key))
    this.#restoreRanks(state.kept, false)
  }

  /** Reads records again that were committed before: the state moves on, nothing is put out or counted. */
  readAgain(records: readonly LogRecord[]): void {
    const counters = [...this.#options.counters.all()].map((counter) => ({ counter, before: counter.value }))
    for (const record of records) this.process(record, NOWHERE)
    this.flush(NOWHERE)
    for (const counter of this.#options.counters.all()) counter.value = 0
    for (const { counter, before } of counters) counter.value = before
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
    if (meta !== undefined) {
      this.#takeUpHistory(JSON.parse(meta))
      this.#heldSinceMs = new Map() // rule sets that are read on the way say what was held there
    }
    if (files !== undefined) this.#adopt(JSON.parse(files))
    this.#replaying = true
  }

  /** Reads a record of the past for its events alone: windows are filled, nothing is evaluated or put out. */
  replay(record: LogRecord): void {
    assert(this.#replaying)
    this.#core.evaluating = false
    this.#core.sequences.replayedPosition = record.position
    this.#lists.replayingAt = record.position
    this.process(record, { output: () => assert.fail('nothing is put out in a replay'), change: () => {} })
  }

  /** Ends a replay: takes up the open alerts and ranks of the last commit, and evaluates from here on. */
  endReplay(kept: ReadonlyMap<string, string>): void {
    this.#replaying = false
    this.#lists.replayingAt = null
    this.#core.evaluating = true
    this.#core.sequences.replayedPosition = Number.POSITIVE_INFINITY
    this.#changes.clear()
    const meta = kept.get(META_KEY)
    if (meta === undefined) return
    const parsed: Meta = JSON.parse(meta)
    this.#sources.restore(parsed.sources)
    const entries = [...kept]
    this.#keepAll(entries)
    this.#takeUp(parsed, alertsIn(entries), entries)
  }

  #newCore(set: RuleSet): Core {
    this.#lists.install(set)
    const core = new Core({
      streams: this.#options.streams,
      set,
      counters: this.#options.counters,
      sources: this.#sources.list,
      heldSinceMs: (type) => Math.max(this.#historyMs, this.#heldSinceMs.get(type) ?? Number.NEGATIVE_INFINITY),
      held: this.#options.held?.() ?? null,
      origins: this.#origins,
      historyMs: () => this.#historyMs,
      lists: this.#lists,
      limits: this.#options.limits ?? DEFAULT_LIMITS,
      emit: (output) => this.#emit(output),
      changed: (key, value) => this.#change(key, value),
    })
    core.alerts.measures = this.#options.measures === true
    return core
  }

  #change(key: string, value: string | null): void {
    this.#changes.set(key, value)
    if (value === null) this.#kept.delete(key)
    else this.#kept.set(key, value)
  }

  #keepAll(entries: readonly (readonly [string, string])[]): void {
    this.#kept = new Map(entries)
    for (const key of [META_KEY, RULES_KEY]) this.#kept.delete(key)
  }

  #shape(): string {
    const { layout, memory } = this.#core
    const build = JSON.stringify([
      memory.build,
      layout.shape,
      layout.spaces.map((s) => s.stride),
      this.#intake.memory.build,
    ])
    return shapeOf({ ruleSetHash: this.#set.hash, streams: this.#options.streams, build })
  }

  #emit(output: Output): void {
    assert(this.#sink, 'outputs are made while a record is processed')
    this.#sink.output(output)
    if (output.kind === 'alert') this.#lists.take(output)
  }

  /** A replay knows the rule set in force at its end: here it only lets go of what was not held at this place. */
  #readRules(files: readonly RuleSource[], position: number): void {
    if (this.#replaying) {
      this.#heldSinceMs = heldSinceOf(this.#heldSinceAt[position] ?? {})
      this.#fill(this.#set, position)
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
    this.install(compiled.set, position)
  }

  /** Takes up a rule set that was in force, with nothing held yet. */
  #adopt(files: readonly RuleSource[]): void {
    const compiled = compileRuleSet(files, { streams: this.#options.streams })
    if (!compiled.ok) throw new EngineError('RULES_INVALID', 'the rule set in force no longer compiles')
    this.#files = files
    this.#set = compiled.set
    this.#core.close()
    this.#core = this.#newCore(compiled.set)
    this.#intake.forgetTypes()
  }

  /**
   * A new core under `set`, with the events held, the alerts and ranks of the one before, and the baselines of rules that
   * were in force before the record at `position`.
   */
  #fill(set: RuleSet, position: number): void {
    const before = this.#core
    const baselines = before.saveBaselines().filter(([name]) => this.#wasInForce(name, position))
    const features = before.saveFeatures().filter(([name]) => this.#inForceSince[name] < position)
    const held = blocksOf(before, this.#sources.list)
    const alerts = before.alerts.open()
    const ranks = ranksOf(before)
    const sequences = saveSequences(before)
    before.alerts.flush()
    this.#set = set
    this.#core = this.#newCore(set)
    this.#core.evaluating = before.evaluating
    this.#core.warmUntilMs = this.#streamMs + this.#core.layout.retentionMs
    this.#intake.forgetTypes()
    freezeSequences(this.#core, sequences, true)
    this.#readHeld(held)
    freezeSequences(this.#core, sequences, false)
    loadSequences(this.#core, sequences)
    const { rows, entries } = before.numbers()
    this.#core.setNumbers(rows, entries)
    this.#core.loadBaselines(baselines)
    this.#core.loadFeatures(features)
    for (const alert of alerts) if (!this.#restoreAlert(alert)) this.#change(alertKey(alert), null)
    this.#restoreRanks(ranks)
    before.close()
  }

  /** `name`: of a saved baseline, `rule@version#hash/measure`. */
  #wasInForce(name: string, position: number): boolean {
    return this.#inForceSince[name.slice(0, name.lastIndexOf('/'))] < position
  }

  #advance(streamMs: number): void {
    if (!(streamMs > this.#streamMs)) return
    if (this.#historyMs === Number.NEGATIVE_INFINITY && !this.#options.finite) this.#historyMs = streamMs
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

  /** Holds and enters events of before, in the order in which they were read, without evaluation. */
  #readHeld(held: Iterable<Block>): void {
    const core = this.#core
    const evaluating = core.evaluating
    core.evaluating = false
    let streamMs = Number.NEGATIVE_INFINITY
    const sinceMs = core.layout.types.map(({ name }) => this.#heldSinceMs.get(name) ?? Number.NEGATIVE_INFINITY)
    for (const block of held) {
      const wanted = this.#intake.list(block, (row, type) => block.timesMs[row] > sinceMs[type])
      const source = this.#sources.indexOf(block.sourceTopic, block.sourcePartition)
      let row = core.hold(block, this.#intake.wanted, wanted, this.#intake.types, source)
      for (let k = 0; k < wanted; k++) {
        const i = this.#intake.wanted[k]
        if (block.timesMs[i] > streamMs) {
          streamMs = block.timesMs[i]
          core.advance(streamMs)
        }
        core.enter(row++)
      }
    }
    core.rows.takeOutOfRange()
    if (this.#streamMs !== Number.NEGATIVE_INFINITY) core.advance(this.#streamMs)
    core.evaluating = evaluating
  }

  #takeUp(meta: Meta, alerts: readonly Alert[], ranks: readonly (readonly [string, string])[]): void {
    this.#takeUpHistory(meta)
    const evaluating = this.#core.evaluating
    this.#core.evaluating = false
    if (meta.streamMs !== null && meta.streamMs > this.#streamMs) {
      this.#streamMs = meta.streamMs
      this.#core.advance(meta.streamMs)
    }
    this.#core.evaluating = evaluating
    this.#core.setNumbers(meta.rows, meta.entries)
    for (const alert of alerts) this.#restoreAlert(alert)
    this.#restoreRanks(ranks)
  }

  #takeUpHistory(meta: Meta): void {
    this.#historyMs = meta.historyMs ?? Number.NEGATIVE_INFINITY
    this.#heldSinceMs = heldSinceOf(meta.heldSinceMs)
    this.#origins.restore(meta.origins ?? {})
    this.#inForceSince = meta.inForceSince
    this.#heldSinceAt = meta.heldSinceAt
  }

  #restoreAlert(
    alert: Alert,
    slotOf = (plan: AlertPlan, key: Cell[]): number => this.#core.slotOfKey(plan, key),
  ): boolean {
    const key = (by: readonly string[]): Cell[] => by.map((name) => alert.key[name] ?? null)
    return this.#core.alerts.restore(alert, (plan) => slotOf(plan, key(plan.rule.by)))
  }

  #restoreRanks(ranks: readonly (readonly [string, string])[], arm = true): void {
    for (const board of this.#core.boards) {
      const prefix = `${rankingKey(board.plan)}/`
      for (const [key, value] of ranks) if (key.startsWith(prefix)) board.restore(key.slice(prefix.length), value)
      if (arm) board.arm(this.#streamMs - board.plan.ranking.settleMs, false)
    }
  }

  #meta(): Meta {
    return {
      streamMs: finite(this.#streamMs),
      historyMs: finite(this.#historyMs),
      heldSinceMs: heldSinceToJson(this.#heldSinceMs),
      sources: this.#sources.toJson(),
      origins: this.#origins.toJson(),
      ...this.#core.numbers(),
      inForceSince: this.#inForceSince,
      heldSinceAt: this.#heldSinceAt,
    }
  }
}

function heldSinceOf(saved: Meta['heldSinceMs']): Map<string, number> {
  return new Map(Object.entries(saved).map(([type, ms]) => [type, ms ?? Number.NEGATIVE_INFINITY]))
}

function heldSinceToJson(heldSinceMs: ReadonlyMap<string, number>): Meta['heldSinceMs'] {
  return Object.fromEntries([...heldSinceMs].map(([type, ms]) => [type, Number.isFinite(ms) ? ms : null]))
}

/** Behind the last one that is final. */
function endOf(parts: readonly HeldPart[]): number {
  return (parts.findLast(({ isFinal }) => isFinal)?.number ?? -1) + 1
}

/** In order of opening. */
function alertsIn(kept: readonly (readonly [string, string])[]): Alert[] {
  const found = kept.filter(([key]) => key.startsWith('alert/')).map(([, value]) => alertFromJson(value))
  return found.sort((a, b) => a.sequence - b.sequence)
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

function ranksOf(core: Core): [string, string][] {
  return core.boards.flatMap((board) =>
    board.saved().map(([group, value]): [string, string] => [`${rankingKey(board.plan)}/${group}`, value]),
  )
}
