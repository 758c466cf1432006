import assert from 'node:assert/strict'
import { eachRange } from '../model/batch.ts'
import type { Block, Broadcast, LogRecord, RuleSource } from '../model/block.ts'
import type { Counter } from '../model/counters.ts'
import { EngineError, SnapshotRefused } from '../model/errors.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import type { Output } from '../model/output.ts'
import type { SavedState, Sink } from '../model/ports.ts'
import type { ListItem, RuleSet } from '../model/rule.ts'
import { compileRuleSet, formatIssues } from '../rules/index.ts'
import { Commit } from './commit.ts'
import { Core } from './core.ts'
import type { FeatureMirror } from './feature-mirror.ts'
import { TaskGauges } from './gauges.ts'
import { handOver, migrate } from './handover.ts'
import { blocksOf } from './held-blocks.ts'
import { History } from './history.ts'
import { DROPPED, Intake, WANTED } from './intake.ts'
import { Lists } from './lists.ts'
import { finite, META_KEY, RULES_KEY } from './meta.ts'
import { rebuildSpanMs, stateSpanMs } from './rebuild-span.ts'
import type { TaskSnapshot } from './snapshot.ts'
import { SnapshotChain } from './snapshot-chain.ts'
import { readHead, readPieces, shapeOf } from './snapshot-pieces.ts'
import { Sources } from './sources.ts'
import { changelogOf, metaOf, type StatePart, savedOf } from './state-part.ts'
import { stateParts } from './state-parts.ts'
import type { TaskOptions } from './task-options.ts'

const EMPTY: RuleSet = { hash: '', rules: [], sequences: [], rankings: [], lists: [], features: [] }

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
  /** All of the state under the rule set in force. */
  #parts: readonly StatePart[]
  #set: RuleSet = EMPTY
  #files: readonly RuleSource[] = []
  #refusal: string | null = null
  #streamMs = Number.NEGATIVE_INFINITY
  #sink: Sink | null = null
  #metaIsStale = false
  #replaying = false
  readonly #outOfRange: Counter

  /** After a replay time moves on to that of the last commit: a mark from before the replay may have set it. */
  readonly #time: StatePart = {
    name: 'stream time',
    meta: () => ({ streamMs: finite(this.#streamMs) }),
    load: ({ meta }) => {
      this.#streamMs = meta.streamMs ?? Number.NEGATIVE_INFINITY
    },
    endReplay: ({ meta }) => this.#advance(meta?.streamMs ?? Number.NEGATIVE_INFINITY),
  }

  constructor(options: TaskOptions) {
    this.#options = options
    const { counters, streams } = options
    this.#outOfRange = counters.counter('out_of_range_total')
    this.#intake = new Intake(streams, counters, (type) => this.#core.layout.typeIndex.get(type) ?? -1)
    this.#lists = new Lists(counters)
    this.#core = this.#newCore(EMPTY)
    this.#parts = this.#partsOf(this.#core)
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
    this.#lists.settle(position, this.#streamMs)
    this.#metaIsStale = true
    this.#sink = null
    this.#core.trim() // lets go of what no window holds any more
  }

  /** Puts out what changed since the last flush, for the commit; nothing where there are no commits. */
  flush(sink: Sink): void {
    if (this.#options.commits === false) return
    for (const part of this.#parts) part.writeChanges?.()
    if (this.#metaIsStale) this.#commit.set(META_KEY, JSON.stringify(metaOf(this.#parts)))
    this.#metaIsStale = false
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

  /**
   * Begins a snapshot of this moment, to be copied while the task goes on: of all (`full`, or the first one of a rule
   * set), or of what changed since the one before, if that was copied to its end. One at a time.
   */
  beginSnapshot(full: boolean): TaskSnapshot {
    assert(this.#options.commits !== false)
    return this.#snapshots.begin(this.#core, full, {
      shape: this.#shape,
      ruleSetHash: this.#set.hash,
      files: this.#files,
      meta: metaOf(this.#parts),
      ...savedOf(this.#parts),
    })
  }

  /**
   * Takes a snapshot up, in a task that has read nothing yet and is of no use if this fails. A rule set that was
   * installed as such (not read from the log) must have been installed again before. Throws SnapshotRefused when it is
   * not whole or of another shape.
   */
  restore(saved: SavedState): void {
    const head = readHead(saved)
    if (head.files.length > 0) this.#adopt(head.files)
    if (this.#shape !== head.shape)
      throw new SnapshotRefused('shape', 'rules, streams or engine are not those that it was made with')
    const state = readPieces(head, saved.pieces)
    try {
      for (const part of this.#parts) part.load?.(state)
    } catch (error) {
      throw new SnapshotRefused('torn', `its state cannot be loaded: ${(error as Error).message}`, error)
    }
  }

  /** Reads records again that were committed before: the state moves on, nothing is put out or counted. */
  readAgain(records: readonly LogRecord[]): void {
    this.#options.counters.keep(() => {
      for (const record of records) this.process(record, NOWHERE)
      this.flush(NOWHERE)
    })
  }

  /**
   * Begins to build the state again from the log, in a task that has read nothing yet. `kept`: what the commits kept.
   * Then `replay` for each record, from `rebuildSpanMs` of stream time before the committed position, or from the
   * beginning of the log; then `endReplay`.
   */
  beginReplay(kept: ReadonlyMap<string, string>): void {
    const files = kept.get(RULES_KEY)
    if (files !== undefined) this.#adopt(JSON.parse(files))
    const changelog = changelogOf(kept)
    for (const part of this.#parts) part.beginReplay?.(changelog)
    this.#replaying = true
    this.#core.evaluating = false
  }

  /** Reads a record of the past for its events alone: windows are filled, nothing is evaluated or put out. */
  replay(record: LogRecord): void {
    assert(this.#replaying)
    for (const part of this.#parts) part.replayAt?.(record.position)
    this.process(record, { output: () => assert.fail('nothing is put out in a replay'), change: () => {} })
  }

  /** Ends a replay: goes on from what the last commit kept, and evaluates from here on. */
  endReplay(kept: ReadonlyMap<string, string>): void {
    this.#replaying = false
    const changelog = changelogOf(kept)
    for (const part of this.#parts) part.endReplay?.(changelog)
    this.#core.evaluating = true
  }

  get #shape(): string {
    return shapeOf(this.#set, this.#options.streams, this.#core, this.#intake)
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
        mirrors.find(isMeant)?.receive(record, this.#streamMs, topic)
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

  /** Puts a rule set in force that was so before, with nothing held yet. */
  #adopt(files: readonly RuleSource[]): void {
    const compiled = compileRuleSet(files, { streams: this.#options.streams })
    if (!compiled.ok) throw new EngineError('RULES_INVALID', 'the rule set in force no longer compiles')
    this.#files = files
    this.#core.close()
    this.#putInForce(compiled.set)
  }

  /** With a core that is empty. */
  #putInForce(set: RuleSet): void {
    this.#set = set
    this.#core = this.#newCore(set)
    this.#parts = this.#partsOf(this.#core)
    this.#intake.forgetTypes()
  }

  /** A change of rules, by the record at `position`: a new core under `set`, with what the one before hands over. */
  #fill(set: RuleSet, position: number): void {
    const before = this.#core
    const handed = handOver(this.#parts, (name) => this.#history.wasInForce(name, position))
    this.#putInForce(set)
    const core = this.#core
    core.evaluating = before.evaluating
    core.warmUntilMs = this.#streamMs + core.layout.retentionMs
    const held = blocksOf(before, this.#sources.list)
    const place = { intake: this.#intake, sources: this.#sources, history: this.#history, streamMs: this.#streamMs }
    migrate({ core, parts: this.#parts }, handed, held, place)
    before.close()
  }

  #advance(streamMs: number): void {
    if (!(streamMs > this.#streamMs)) return
    if (this.#history.startMs === Number.NEGATIVE_INFINITY && !this.#options.finite) this.#history.startMs = streamMs
    this.#streamMs = streamMs
    this.#core.advance(streamMs)
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

  #partsOf(core: Core): readonly StatePart[] {
    return stateParts({
      lists: this.#lists,
      history: this.#history,
      sources: this.#sources,
      intake: this.#intake,
      commit: this.#commit,
      core,
      time: this.#time,
      horizonMs: () => this.#streamMs - this.rebuildSpanMs,
    })
  }
}
