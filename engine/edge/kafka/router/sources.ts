import { setImmediate as turn } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import type { Counters } from '../../../model/counters.ts'
import { LogCorrupt } from '../../../model/errors.ts'
import type { Stream } from '../../../model/stream.ts'
import type { Logger } from '../../../model/telemetry.ts'
import { type ControlTopic, controlsOf } from '../../../plan/control-topics.ts'
import { Placing, type RoutedExchange } from '../../../plan/placing.ts'
import { reasonOf } from '../errors.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import { Occasionally } from '../log.ts'
import type { Assignment, Membership } from '../membership.ts'
import type { Decoder } from '../ports.ts'
import { offsetOf, type Skips } from '../skips.ts'
import type { TopicWatch } from '../topic-watch.ts'
import { assignedLanes, sayGap } from './assignment.ts'
import { BoundedClock } from './bounded-clock.ts'
import { ControlLane } from './control-lane.ts'
import type { Lane } from './lane.ts'
import { Marks } from './marks.ts'
import { choose, type SkewLimits } from './merge.ts'
import { Merged } from './merged.ts'
import { type LaneEvents, SourceLane } from './source-lane.ts'

const BROKER_CLOCK_MS = 10_000
const REGISTRY_RETRY_MS = 1_000
/** Merged at a time: some milliseconds of work, then sockets and timers get their turn. */
const MERGE_ROWS = 2_048

export interface SourcesOptions {
  readonly group: string
  readonly streams: readonly Stream[]
  readonly exchanges: readonly RoutedExchange[]
  readonly decoderOf: (stream: Stream) => Decoder
  readonly skew: SkewLimits
  readonly markIntervalMs: number
  readonly idleGraceMs: number
  readonly counters: Counters
  readonly log: Logger
  /** Epoch ms. */
  readonly clock: () => number
  readonly admin: Admin
  readonly fetcher: Fetcher
  readonly membership: Membership
  /** Absent: nothing that cannot be read is passed over. */
  readonly skips?: Skips
  /** The clock of a broker, epoch ms; null = it does not say. */
  readonly brokerClock?: () => Promise<number | null>
  /** Absent: topics are what has their names. */
  readonly topics?: TopicWatch
}

/** The source and control partitions that the group assigns to this router, merged by event time. */
export class Sources {
  readonly #options: SourcesOptions
  readonly #decoders: ReadonlyMap<string, Decoder>
  readonly #placings: ReadonlyMap<string, Placing>
  readonly #controlTopics: ReadonlyMap<string, ControlTopic>
  readonly #clock: BoundedClock
  readonly #marks: Marks
  readonly #occasionally = new Occasionally(5_000)
  readonly #events: LaneEvents
  #lanes: readonly SourceLane[] = []
  #controls: readonly ControlLane[] = []
  /** Those before the last join. */
  #former: readonly Lane[] = []
  #assigning: Promise<void> = Promise.resolve()
  #generation = 0
  #joined = false
  #merged = new Merged()
  /** The last one that was given said that nothing more waits. */
  #toldIdle = true
  #woken = false
  #endWait = (): void => {}
  #asking: Promise<void> | null = null
  #askedAtMs = Number.NEGATIVE_INFINITY
  #askedClockAtMs = Number.NEGATIVE_INFINITY
  #isAhead = false

  constructor(options: SourcesOptions) {
    const { group, streams, exchanges, counters, decoderOf, idleGraceMs, clock, log } = options
    this.#options = options
    this.#decoders = new Map(streams.map((stream) => [stream.topic, decoderOf(stream)]))
    this.#placings = new Map(streams.map((stream) => [stream.topic, new Placing(stream, exchanges, counters)]))
    this.#controlTopics = new Map(
      exchanges.flatMap(({ exchange }) => controlsOf(group, exchange).map((c) => [c.topic, c] as const)),
    )
    this.#clock = new BoundedClock(clock, () => performance.now())
    this.#marks = new Marks(idleGraceMs, () => this.#clock.now())
    this.#events = {
      bad: (lane, cursor, why) => {
        counters.counter('dead_letters_total', { reason: why.reason, stream: lane.stream.name }).value++
        this.#merged.bad(lane, cursor, why)
      },
      gap: ({ topic, partition }, lost, from) => sayGap({ topic, partition, from, to: from + lost }, counters, log),
      passes: (lane, fault) => this.#passes(lane, offsetOf(fault, lane.routed)),
      stuck: (lane, reason) => this.#tellStuck(lane, lane.stuckAt, reason),
    }
  }

  get joined(): boolean {
    return this.#joined
  }

  /** Why a partition cannot be read any further; null = all can. */
  get trouble(): string | null {
    return [...this.#lanes, ...this.#controls].find(({ trouble }) => trouble !== null)?.trouble ?? null
  }

  get lanes(): readonly Lane[] {
    return [...this.#controls, ...this.#lanes]
  }

  /** After each join: what is assigned now, read from where the group, or these lanes before, had it written. */
  assign(assignment: Assignment): Promise<void> {
    const generation = ++this.#generation
    if (this.lanes.length > 0) this.#former = this.lanes
    for (const lane of this.lanes) lane.close()
    this.#lanes = []
    this.#controls = []
    this.#marks.clear()
    this.#assigning = this.#assign(assignment, generation)
    return this.#assigning
  }

  /** What comes next, as soon as there is something; null when `stop` comes first. */
  async next(stop: AbortSignal): Promise<Merged | null> {
    await turn()
    while (!stop.aborted) {
      this.#woken = false
      const merged = this.#advance()
      if (!merged.isEmpty || merged.isIdle !== this.#toldIdle) {
        this.#toldIdle = merged.isIdle
        return merged
      }
      await this.#news(stop)
    }
    return null
  }

  /** Commits what is acknowledged. What fails is committed with the next call. */
  async commit(): Promise<void> {
    const offsets = this.lanes
      .filter((lane) => lane.acknowledged > lane.committed)
      .map((lane) => ({ lane, offset: lane.acknowledged }))
    if (offsets.length === 0) return
    const { membership, log } = this.#options
    try {
      await membership.commit(
        offsets.map(({ lane: { topic, topicId, partition }, offset }) => {
          return { topic, partition, offset: String(offset), metadata: topicId }
        }),
      )
      for (const { lane, offset } of offsets) lane.committed = Math.max(lane.committed, offset)
    } catch (error) {
      this.#occasionally.warn(log, { reason: reasonOf(error) }, 'source offsets cannot be committed yet')
    }
  }

  /** Resolves when no request is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#assigning, this.#asking])
  }

  /** Until something is fetched, or woken for, or it is time to ask for marks. */
  async #news(stop: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    this.#endWait = () => waiting.abort()
    const timer = setTimeout(this.#endWait, this.#untilMarksMs())
    stop.addEventListener('abort', this.#endWait)
    try {
      if (!this.#woken && !stop.aborted) await this.#options.fetcher.news(waiting.signal)
    } finally {
      clearTimeout(timer)
      stop.removeEventListener('abort', this.#endWait)
    }
  }

  #wake(): void {
    this.#woken = true
    this.#endWait()
  }

  async #assign(assignment: Assignment, generation: number): Promise<void> {
    const { group, streams, counters, log, admin, fetcher, topics } = this.#options
    const partitionsOf = (topic: string) =>
      (assignment[topic] ?? []).map((partition) => ({ topic, topicId: topics?.idOf(topic) ?? '', partition }))
    const sources = streams.flatMap((stream) => partitionsOf(stream.topic).map((id) => ({ ...id, stream })))
    const controls = [...this.#controlTopics.keys()].flatMap(partitionsOf)
    const deps = { admin, groupId: `${group}-router`, counters, log, before: this.#former }
    const places = await assignedLanes([...sources, ...controls], deps)
    if (generation !== this.#generation) return
    const placed = <L extends Lane>(
      { topic, topicId, partition }: { topic: string; topicId: string; partition: number },
      make: (feed: ReturnType<Fetcher['open']>) => L,
    ): L => {
      // biome-ignore format: one thing
      const { from, committed, end } = places.get(`${topic}/${partition}`)!
      const lane = make(fetcher.open(topic, partition, from, topicId))
      return Object.assign(lane, { committed, end })
    }
    this.#lanes = sources.map((id) =>
      placed(id, (feed) => new SourceLane(id, this.#decoders.get(id.topic)!, this.#placings.get(id.topic)!, feed)),
    )
    this.#controls = controls.map((id) =>
      placed(id, (feed) => new ControlLane(this.#controlTopics.get(id.topic)!, id.partition, feed, id.topicId)),
    )
    this.#joined = true
    this.#askedAtMs = Number.NEGATIVE_INFINITY
    this.#wake()
  }

  /** Control records, then rows, the oldest head first, then marks: behind all that they speak of. */
  #advance(): Merged {
    const merged = this.#merged
    for (const lane of this.#controls) this.#takeControls(lane, merged)
    const nowMs = performance.now()
    merged.isIdle = false
    while (merged.rows < MERGE_ROWS) {
      for (const lane of this.#lanes) if (!lane.staged) this.#stage(lane, nowMs)
      const choice = choose(this.#lanes, nowMs, this.#options.skew)
      if (!choice) {
        merged.isIdle = true
        break
      }
      this.#clock.saw(choice.lane.staged!.appendedMs)
      merged.take(choice, MERGE_ROWS)
    }
    this.#mark(merged)
    for (const lane of this.lanes) merged.reached(lane)
    this.#merged = new Merged()
    return merged
  }

  #takeControls(lane: ControlLane, merged: Merged): void {
    const { counters } = this.#options
    try {
      for (let taken = lane.take(); taken; taken = lane.take()) merged.broadcasts.push(taken)
    } catch (error) {
      if (error instanceof LogCorrupt) this.#stopControl(lane, error)
      else this.#passControlGap(lane, error)
    }
    const refused = lane.takeRefused()
    if (refused > 0) counters.counter('control_records_refused_total', { topic: lane.topic }).value += refused
  }

  #passControlGap(lane: ControlLane, error: unknown): void {
    const { counters, log } = this.#options
    const { topic, position: from } = lane
    if (!lane.passGap(error)) throw error
    counters.counter('control_gap_records_total', { topic }).value += lane.position - from
    log.error({ topic, partition: lane.partition, from, to: lane.position }, 'records of a control topic were deleted')
  }

  #stopControl(lane: ControlLane, fault: LogCorrupt): void {
    const at = offsetOf(fault, lane.position)
    const next = this.#passes(lane, at)
    if (next !== null) lane.skipTo(next)
    else if (lane.trouble === null) {
      lane.trouble = fault.message
      this.#tellStuck(lane, at, fault.message)
    }
  }

  #tellStuck({ topic, partition }: Lane, offset: number, reason: string): void {
    const { counters, log } = this.#options
    counters.counter('source_partitions_stuck_total', { topic }).value++
    const wayOut = `lapwing skip ${topic}/${partition}@${offset}`
    log.error({ topic, partition, reason, wayOut }, 'this partition cannot be read any further; the others go on')
  }

  /** Where to go on behind what cannot be read at `offset`, where somebody said so. */
  #passes({ topic, partition }: Lane, offset: number): number | null {
    const { skips, counters, log } = this.#options
    const skip = skips?.find(topic, partition, offset) ?? null
    if (skip === null) return null
    counters.counter('records_skipped_total', { topic }).value += skip.to - skip.from + 1
    log.warn(skip, 'these offsets are passed over, as lapwing skip said')
    return skip.to + 1
  }

  /** Somebody may have said meanwhile that what is in the way is to be passed over. */
  async #lookForSkips(): Promise<void> {
    const { skips } = this.#options
    if (!skips || this.trouble === null) return
    await skips.look()
    for (const lane of this.#lanes) if (lane.fault && skips.find(lane.topic, lane.partition, lane.stuckAt)) lane.retry()
  }

  #stage(lane: SourceLane, nowMs: number): void {
    if (nowMs < lane.askAgainMs) return
    lane.stage(this.#options.clock(), this.#events)?.then(
      () => this.#wake(),
      (error) => {
        const { log } = this.#options
        this.#occasionally.warn(log, { reason: reasonOf(error), topic: lane.topic }, 'waiting for the registry')
        lane.askAgainMs = performance.now() + REGISTRY_RETRY_MS
        setTimeout(() => this.#wake(), REGISTRY_RETRY_MS + 1)
      },
    )
  }

  #mark(merged: Merged): void {
    if (this.#untilMarksMs() <= 0 && this.lanes.length > 0) {
      this.#askedAtMs = performance.now()
      this.#asking ??= this.#askForMarks().finally(() => {
        this.#asking = null
      })
    }
    for (const lane of this.lanes) {
      const upToMs = this.#marks.due(lane)
      if (upToMs !== null) merged.marks.push({ lane, upToMs })
    }
  }

  #untilMarksMs(): number {
    if (this.lanes.length === 0) return this.#options.markIntervalMs
    return Math.max(0, this.#askedAtMs + this.#options.markIntervalMs - performance.now())
  }

  /** What happens to marks while the machine's clock is wrong is said when it begins and when it ends. */
  async #compareClocks(): Promise<void> {
    const { brokerClock, counters, log } = this.#options
    if (brokerClock && performance.now() - this.#askedClockAtMs > BROKER_CLOCK_MS) {
      const brokerMs = await brokerClock()
      if (brokerMs !== null) this.#clock.heard(brokerMs)
      this.#askedClockAtMs = performance.now()
    }
    const { aheadMs } = this.#clock
    if (aheadMs > 0 === this.#isAhead) return
    this.#isAhead = aheadMs > 0
    if (this.#isAhead) counters.counter('clock_ahead_total').value++
    if (this.#isAhead)
      log.error({ aheadMs }, "this machine's clock is ahead of the broker's, or has jumped; marks do not follow it")
    else log.warn({}, "this machine's clock is plausible again")
  }

  async #askForMarks(): Promise<void> {
    const { admin, topics } = this.#options
    try {
      await this.#lookForSkips()
      await this.#compareClocks()
      // where there may be partitions that nobody reads yet, nothing is declared read
      if (!topics || (await topics.look())) await this.#marks.ask(this.lanes, admin)
    } catch (error) {
      this.#occasionally.warn(this.#options.log, { reason: reasonOf(error) }, 'source offsets cannot be read')
    }
    this.#wake()
  }
}
