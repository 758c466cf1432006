import assert from 'node:assert/strict'
import { eachRange } from '../model/batch.ts'
import type { Block, Broadcast, LogRecord, RuleSource } from '../model/block.ts'
import type { Counter, Counters } from '../model/counters.ts'
import { EngineError, SnapshotRefused } from '../model/errors.ts'
import { DEFAULT_LIMITS, type Limits } from '../model/limits.ts'
import type { Output } from '../model/output.ts'
import type { SavedState, Sink } from '../model/ports.ts'
import type { ListItem, RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { compileRuleSet, formatIssues } from '../rules/index.ts'
import { alertKey } from './alert.ts'
import { Commit } from './commit.ts'
import { Core, type HeldSegments } from './core.ts'
import type { FeatureMirror } from './feature-mirror.ts'
import { TaskGauges } from './gauges.ts'
import { handOver, takeOver } from './handover.ts'
import { History, nameOfRead } from './history.ts'
import { DROPPED, Intake, WANTED } from './intake.ts'
import { alertsIn, type KeptEntries, restoreAlert, restoreRanks } from './kept-state.ts'
import { Lists } from './lists.ts'
import { finite, META_KEY, type Meta, RULES_KEY } from './meta.ts'
import { rebuildSpanMs, stateSpanMs } from './rebuild-span.ts'
import { decodeSnapshot, encodeSnapshot, readHead, readPieces, shapeOf, type TaskSnapshot } from './snapshot.ts'
import { SnapshotChain } from './snapshot-chain.ts'
import { Sources } from './sources.ts'

const EMPTY: RuleSet = { hash: '', rules: [], sequences: [], rankings: [], lists: [], features: [] }

export interface TaskOptions {
  readonly streams: readonly Stream[]
  readonly counters: Counters
  /** The input is the whole history: coverage is 1 from its start. */
  readonly finite: boolean
  /** False: there are no commits and no snapshots, what they would keep is not written down. Default: true. */
  readonly commits?: boolean
  /** `read`: of an event no field is held that the rule set does not read, so no other set may come. Default: all. */
  readonly heldFields?: 'all' | 'read'
  /** Emit a row of measures for each event that a rule takes. */
  readonly measures?: boolean
  /** Where events that change no more are kept besides memory, for one filling of the state. */
  readonly held?: () => HeldSegments
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: Limits
}

const NOWHERE: Sink = { output: () => {}, change: () => {} }

/**
 * One partition of one exchange: reads its log, makes alerts and rankings. A deterministic function of the records that
 * it is given: no clock, no chance, no I/O.
 *
 * A commit is what `process` put out since the last `flush`, what `flush` puts out, and the position of the last record.
 */
export class Task {
  readonly gauges = new TaskGauges(() => this.#core)
  readonly #options: TaskOptions
  readonly #sources = new Sources()
  readonly #intake: Intake
  readonly #history = new History()
  readonly #commit = new Commit()
  readonly #snapshots = new SnapshotChain()
  readonly #lists: Lists
  #core: Core
  #set: RuleSet = EMPTY
  #files: readonly RuleSource[] = []
  #refusal: string | null = null
  #streamMs = Number.NEGATIVE_INFINITY
  #sink: Sink | null = null
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

  /** What is on a named list; null = the rule set has none of that name. */
  listItems(id: string): ListItem[] | null {
    return this.#lists.items(id)
  }

  /** How far back, from stream time, records of the log are needed to build the state again. */
  get rebuildSpanMs(): number {
    return rebuildSpanMs(this.#set, this.#core.layout, this.#options.streams)
  }

  process(record: LogRecord, sink: Sink): void {
    this.#sink = sink
    const { entry, position } = record
    if (entry.kind === 'batch') eachRange(entry, (block, from, to) => this.#readRows(block, from, to))
    else if (entry.kind === 'block') this.#readRows(entry, 0, entry.length)
    else if (entry.kind === 'mark') this.#advance(this.#sources.mark(entry))
    else if (entry.kind === 'rules') this.#readRules(entry.files, position)
    else if (entry.kind === 'broadcast') this.#readBroadcast(entry, position)
    else if (!this.#replaying) this.#lists.apply(entry, position, this.#streamMs)
    this.#settle(position)
    this.trim()
  }

  /**
   * Rows `[from, to)` of a block, as if they were a block of their own that stands at `position`. Call `trim` every few
   * thousand rows.
   */
  processRows(block: Block, from: number, to: number, position: number, sink: Sink): void {
    this.#sink = sink
    this.#readRows(block, from, to)
    this.#settle(position)
  }

  /** Lets go of what no window holds any more. */
  trim(): void {
    this.#core.trim()
  }

  /** Puts out what changed since the last flush, for the commit. */
  flush(sink: Sink): void {
    assert(this.#options.commits !== false)
    this.#core.alerts.flush()
    if (this.#metaIsStale) this.#commit.set(META_KEY, JSON.stringify(this.#meta()))
    this.#metaIsStale = false
    this.#lists.flush((key, value) => this.#commit.set(key, value), this.#streamMs - this.rebuildSpanMs)
    this.#commit.flush(sink)
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
    assert(this.#options.heldFields !== 'read' || this.#set === EMPTY)
    const { layout } = this.#core
    // a type is held since it was first wanted, and not longer than the longest window of before reached back
    const availableMs = (type: string): number =>
      layout.typeIndex.has(type) ? this.#streamMs - layout.retentionMs : this.#streamMs
    this.#history.install(set, position, availableMs)
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
    assert(this.#options.commits !== false)
    const core = this.#core
    core.alerts.flush()
    return this.#snapshots.begin(core, full, {
      shape: this.#shape(),
      ruleSetHash: this.#set.hash,
      files: this.#files,
      meta: JSON.stringify({ ...this.#meta(), lists: this.#lists.saved() }),
      memories: [core.memory, this.#intake.memory],
      kept: this.#commit.kept,
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
    this.#history.restore(meta)
    this.#sources.restore(meta.sources)
    core.memory.load(state.roots[0], state.pages[0])
    this.#intake.memory.load(state.roots[1], state.pages[1])
    core.loadHeld(state.held)
    core.setNumbers(meta.rows, meta.entries)
    this.#commit.keepAll(state.kept)
    for (const alert of alertsIn(state.kept)) restoreAlert(core, alert, (plan, key) => core.reclaimSlot(plan, key))
    restoreRanks(core, state.kept, null)
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
      this.#history.restore(JSON.parse(meta))
      this.#history.forgetHeld()
    }
    if (files !== undefined) this.#adopt(JSON.parse(files))
    const toMs = meta === undefined ? null : (JSON.parse(meta) as Meta).streamMs
    for (const mirror of this.#core.layout.mirrors) mirror.restore(kept, toMs ?? Number.NEGATIVE_INFINITY)
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
    const core = this.#core
    this.#replaying = false
    this.#lists.replayingAt = null
    core.evaluating = true
    core.sequences.replayedPosition = Number.POSITIVE_INFINITY
    for (const mirror of core.layout.mirrors) mirror.restore(kept, null)
    this.#commit.forgetChanges()
    const meta = kept.get(META_KEY)
    if (meta !== undefined) this.#takeUp(JSON.parse(meta), [...kept])
  }

  #newCore(set: RuleSet): Core {
    this.#lists.install(set)
    const core = new Core({
      streams: this.#options.streams,
      set,
      counters: this.#options.counters,
      sources: this.#sources.list,
      heldSinceMs: (type) => Math.max(this.#history.startMs, this.#history.heldSinceMs(type)),
      held: this.#options.held?.() ?? null,
      origins: this.#history.origins,
      historyMs: () => this.#history.startMs,
      lists: this.#lists,
      limits: this.#options.limits ?? DEFAULT_LIMITS,
      heldFields: this.#options.heldFields ?? 'all',
      emit: (output) => this.#emit(output),
      changed: this.#options.commits === false ? null : (key, value) => this.#commit.change(key, value),
    })
    core.alerts.measures = this.#options.measures === true
    const { context, layout } = core
    if (set.shared) context.announce = (announcement) => this.#sink?.announce?.(announcement)
    const epochMs = stateSpanMs(set, layout, this.#options.streams)
    for (const mirror of layout.mirrors) mirror.open(epochMs, (key, value) => this.#commit.set(key, value))
    return core
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
    if (output.kind === 'alert') this.#lists.take(output, (announcement) => this.#sink?.announce?.(announcement))
  }

  /** A replay knows all that lists will be. */
  #readBroadcast({ topic, records }: Broadcast, position: number): void {
    const { mirrors } = this.#core.layout
    for (const record of records) {
      if ('feature' in record) {
        const isMeant = ({ feature: { id, version } }: FeatureMirror) =>
          id === record.feature && version === record.version
        mirrors.find(isMeant)?.receive(record, this.#streamMs)
      } else if (!this.#replaying) this.#lists.receive(topic, record, position, this.#streamMs)
    }
  }

  /** A replay knows the rule set in force at its end: here it only lets go of what was not held at this place. */
  #readRules(files: readonly RuleSource[], position: number): void {
    if (this.#replaying) {
      this.#history.replayTo(position)
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
    this.#commit.set(RULES_KEY, JSON.stringify(files))
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
    const handover = handOver(before, this.#sources.list, (rule) => this.#history.wasInForce(rule, position))
    before.alerts.flush()
    this.#set = set
    const core = this.#newCore(set)
    this.#core = core
    core.evaluating = before.evaluating
    const place = { intake: this.#intake, sources: this.#sources, history: this.#history, streamMs: this.#streamMs }
    const read = new Set(core.layout.mirrors.map((mirror) => nameOfRead(mirror.feature)))
    for (const mirror of before.layout.mirrors) if (!read.has(nameOfRead(mirror.feature))) mirror.drop()
    for (const lost of takeOver(core, handover, place)) this.#commit.change(alertKey(lost), null)
    before.close()
  }

  #advance(streamMs: number): void {
    if (!(streamMs > this.#streamMs)) return
    if (this.#history.startMs === Number.NEGATIVE_INFINITY && !this.#options.finite) this.#history.startMs = streamMs
    this.#streamMs = streamMs
    this.#core.advance(streamMs)
  }

  /** A record has been read. */
  #settle(position: number): void {
    this.#lists.settle(position, this.#streamMs)
    this.#metaIsStale = true
    this.#sink = null
  }

  #readRows(block: Block, from: number, to: number): void {
    const intake = this.#intake
    intake.counting = !this.#replaying
    const wanted = intake.choose(block, from, to, this.#sources, this.#streamMs)
    let row = this.#core.hold(block, intake.wanted, wanted, intake.types, intake.sources)
    this.#outOfRange.value += this.#core.rows.takeOutOfRange()
    for (let i = from; i < to; i++) {
      const verdict = intake.verdicts[i]
      if (verdict === DROPPED) continue
      const timeMs = block.timesMs[i]
      if (timeMs > this.#streamMs) this.#advance(timeMs)
      if (verdict === WANTED) this.#core.enter(row++)
    }
  }

  /** What the last commit kept, after a replay up to it. */
  #takeUp(meta: Meta, kept: KeptEntries): void {
    const core = this.#core
    this.#sources.restore(meta.sources)
    this.#history.restore(meta)
    this.#commit.keepAll(kept)
    core.evaluating = false
    if (meta.streamMs !== null && meta.streamMs > this.#streamMs) {
      this.#streamMs = meta.streamMs
      core.advance(meta.streamMs)
    }
    core.evaluating = true
    core.setNumbers(meta.rows, meta.entries)
    for (const alert of alertsIn(kept)) restoreAlert(core, alert)
    restoreRanks(core, kept, this.#streamMs)
  }

  #meta(): Meta {
    return {
      streamMs: finite(this.#streamMs),
      ...this.#history.toJson(),
      sources: this.#sources.toJson(),
      ...this.#core.numbers(),
    }
  }
}
