import type { LogEntry, LogRecord } from '../../../model/block.ts'
import { decodeEntry, encodeEntry } from '../../../model/block-codec.ts'
import { Counters } from '../../../model/counters.ts'
import type { Output } from '../../../model/output.ts'
import type { Commit, Committed, NumberedLog, SavedState, SnapshotStore } from '../../../model/ports.ts'
import { STREAMS } from '../../../plan/testing.ts'
import { takeUp } from '../../../task/step.ts'
import { Task } from '../../../task/task.ts'
import { snapshotOf } from '../../../task/testing.ts'
import { batchBytes, TestFeed } from '../fetch/testing.ts'
import type { TaskKeep } from '../ports.ts'

export const newTask = () => new Task({ streams: STREAMS, counters: new Counters(), finite: false })
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** What happens to a commit: it takes place; it does not, with an error; it does, with an error all the same. */
export type Fate = 'ok' | 'lost' | 'unheard'

/** One exchange partition at the broker: its records, and what was committed. It outlives its owners. */
export class Broker {
  readonly records: readonly LogRecord[]
  readonly outputs: Output[] = []
  readonly kept = new Map<string, string>()
  fates: Fate[] = []
  /** The committed position. */
  at = -1
  /** Of the producer that was fenced last: commits of others fail. */
  epoch = 0

  constructor(entries: readonly LogEntry[]) {
    this.records = entries.map((entry, position) => ({ position, entry }))
  }
}

/** The log of one owner. */
export class FakeLog {
  readonly id = 'log'
  readonly place = { topic: 'x', stateTopic: 's', partition: 0, taskIndex: 0 }
  readonly calls: string[] = []
  readonly #broker: Broker
  #epoch = -1
  /** What a commit waits for. */
  gate: Promise<unknown> = Promise.resolve()
  trimFails = false

  constructor(broker: Broker) {
    this.#broker = broker
  }

  async fence() {
    this.calls.push('fence')
    this.#epoch = ++this.#broker.epoch
  }
  async position() {
    this.calls.push('position')
    return this.#broker.at
  }
  async committed(): Promise<Committed> {
    return { position: this.#broker.at, kept: this.#broker.kept }
  }
  past(_fromMs: number, through: number) {
    return this.between(-1, through)
  }
  async *between(from: number, through: number) {
    const found = this.#broker.records.filter(({ position }) => position > from && position <= through)
    if (found.length > 0) yield found
  }
  decode(position: number, value: Buffer | null): LogRecord {
    return { position, entry: decodeEntry(value!, STREAMS) }
  }
  async commit({ position, outputs, changes }: Commit) {
    this.calls.push(`commit ${position}`)
    const broker = this.#broker
    if (this.#epoch < 0) throw new Error('a producer that failed was used again')
    await this.gate
    await turn()
    if (this.#epoch !== broker.epoch) throw new Error('fenced')
    const fate = broker.fates.shift() ?? 'ok'
    if (fate !== 'lost') {
      if (position <= broker.at) throw new Error(`commit at ${position}, behind ${broker.at}`)
      broker.at = position
      broker.outputs.push(...structuredClone(outputs))
      for (const [key, value] of changes) value === null ? broker.kept.delete(key) : broker.kept.set(key, value)
    }
    if (fate === 'ok') return
    this.#epoch = -1
    throw new Error(fate)
  }
  async trim(beforeMs: number, position: number) {
    this.calls.push(`trim ${beforeMs} ${position}`)
    if (this.trimFails) throw new Error('not allowed')
  }
  async close() {
    this.calls.push('close')
  }
}

/** Feeds of that partition. It gives records before `limit` only; then whoever asks for news waits. */
export class FakeFetcher {
  limit = Number.POSITIVE_INFINITY
  readonly feeds: LogFeed[] = []
  readonly #broker: Broker
  /** Called when all is read and news are asked for. */
  onIdle = (): void => {}

  constructor(broker: Broker) {
    this.#broker = broker
  }

  open(topic: string, partition: number, from: number): LogFeed {
    const fill = (feed: LogFeed) => {
      for (const { position, entry } of this.#broker.records)
        if (position >= feed.fetched && position < this.limit)
          feed.push(position, batchBytes(position, [{ value: Buffer.from(encodeEntry(entry, STREAMS)) }]))
    }
    const feed = new LogFeed(topic, partition, from, fill)
    fill(feed)
    this.feeds.push(feed)
    return feed
  }

  async news(stop: AbortSignal): Promise<void> {
    this.onIdle()
    if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve))
  }
}

class LogFeed extends TestFeed {
  readonly #fill: (feed: LogFeed) => void

  constructor(topic: string, partition: number, from: number, fill: (feed: LogFeed) => void) {
    super(from, topic, partition)
    this.#fill = fill
  }

  override seek(offset: number): void {
    super.seek(offset)
    if (!this.closed) this.#fill(this)
  }
}

/** What is on disk: it outlives the owners. */
export class Disk {
  readonly snapshots: { readonly position: number; readonly saved: SavedState }[] = []
  /** A snapshot begins at each `every`th rest; 0 = at none. */
  every = 0
  /** By restore: the snapshot's position, or -1. */
  readonly takenFrom: number[] = []
  /** What a restore waits for. */
  gate: Promise<unknown> = Promise.resolve()
}

export class DiskKeep implements TaskKeep {
  readonly #disk: Disk
  #task: Task | null = null
  #committed: (position: number) => Promise<void> = async () => {}
  #rests = 0
  /** Snapshots that are not committed yet: who gives up the task waits for them, as for those on a true disk. */
  #pending: Promise<void>[] = []

  constructor(disk: Disk) {
    this.#disk = disk
  }

  async takeUp(log: NumberedLog, committed: (position: number) => Promise<void>) {
    await Promise.all(this.#pending)
    await this.#disk.gate
    const { snapshots, takenFrom } = this.#disk
    const at = await log.position()
    for (const { position } of snapshots)
      if (position > at) throw new TypeError(`a snapshot of ${position}, ${at} is committed`)
    const store: SnapshotStore = {
      candidates: async () =>
        snapshots.toReversed().map(({ position, saved }) => ({ name: `${position}`, position, read: () => saved })),
    }
    const taken = await takeUp(newTask, log, store, (refusal) => {
      throw refusal
    })
    takenFrom.push(Number(taken.snapshot ?? -1))
    this.#task = taken.task
    this.#committed = committed
    return taken
  }

  rests(position: number) {
    const { every, snapshots } = this.#disk
    if (every === 0 || ++this.#rests % every !== 0) return
    const saved = snapshotOf(this.#task!)
    const add = () => void snapshots.push({ position, saved })
    this.#pending.push(this.#committed(position).then(add, () => {}))
  }

  gauges() {
    return []
  }
  async close() {
    await Promise.all(this.#pending)
  }
}
