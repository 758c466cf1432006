import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import type { LogEntry, LogRecord } from '../../../model/block.ts'
import { decodeEntry, encodeEntry } from '../../../model/block-codec.ts'
import { blockFromRows } from '../../../model/column.ts'
import { Counters } from '../../../model/counters.ts'
import type { Output } from '../../../model/output.ts'
import type { Commit, Committed, NumberedLog, SnapshotStore } from '../../../model/ports.ts'
import { fileOf, ruleText, STREAMS } from '../../../plan/testing.ts'
import { decodeSnapshot } from '../../../task/snapshot-bytes.ts'
import { step, takeUp } from '../../../task/step.ts'
import { Task } from '../../../task/task.ts'
import type { TaskKeep } from '../ports.ts'
import type { KafkaTaskLog } from './kafka-task-log.ts'
import { TaskLane } from './task-lane.ts'

const MINUTE_MS = 60_000
const newTask = () => new Task({ streams: STREAMS, counters: new Counters(), finite: false })
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** What happens to a commit: it takes place; it does not, with an error; it does, with an error all the same. */
type Fate = 'ok' | 'lost' | 'unheard'

/** A log in memory that fails on demand. */
class FakeLog {
  readonly id = 'log'
  readonly place = { topic: 'x', stateTopic: 's', partition: 0, taskIndex: 0 }
  readonly records: readonly LogRecord[]
  readonly outputs: Output[] = []
  readonly kept = new Map<string, string>()
  fates: Fate[] = []
  at = -1
  fences = 0
  #fenced = false

  constructor(entries: readonly LogEntry[]) {
    this.records = entries.map((entry, position) => ({ position, entry }))
  }

  async fence() {
    this.fences++
    this.#fenced = true
  }
  async position() {
    return this.at
  }
  async committed(): Promise<Committed> {
    return { position: this.at, kept: this.kept }
  }
  past(_fromMs: number, through: number) {
    return this.between(-1, through)
  }
  async *between(from: number, through: number) {
    const found = this.records.filter(({ position }) => position > from && position <= through)
    if (found.length > 0) yield found
  }
  decode(position: number, value: Buffer | null): LogRecord {
    return { position, entry: decodeEntry(value!, STREAMS) }
  }
  async commit({ position, outputs, changes }: Commit) {
    await new Promise((resolve) => setImmediate(resolve))
    if (!this.#fenced) throw new Error('a producer that failed was used again')
    const fate = this.fates.shift() ?? 'ok'
    if (fate !== 'lost') {
      if (position <= this.at) throw new Error(`commit at ${position}, behind ${this.at}`)
      this.at = position
      this.outputs.push(...structuredClone(outputs))
      for (const [key, value] of changes) value === null ? this.kept.delete(key) : this.kept.set(key, value)
    }
    if (fate === 'ok') return
    this.#fenced = false
    throw new Error(fate)
  }
  async trim() {}
  async close() {}
}

function entriesOf(minutes: readonly number[]): LogEntry[] {
  let atMs = 0
  const blocks = minutes.map((gap, i): LogEntry => {
    atMs += gap * MINUTE_MS
    const row = { offset: i, timeMs: atMs, type: 'order.created', event_id: `e${i}`, shop_id: `S${i % 2}` }
    return blockFromRows(STREAMS[0], { topic: 'orders', partition: 0 }, [row])
  })
  return [{ kind: 'rules', files: [fileOf(ruleText('busy', '[shop_id]'))] }, ...blocks]
}

/** What is on disk: it outlives the lanes. */
class Disk {
  readonly snapshots: { readonly position: number; readonly bytes: Uint8Array }[] = []
  /** A snapshot begins at each `every`th rest; 0 = at none. */
  every = 0
  /** By taking up: the snapshot's position, or -1. */
  readonly takenFrom: number[] = []
}

class DiskKeep implements TaskKeep {
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
    const { snapshots, takenFrom } = this.#disk
    const at = await log.position()
    for (const { position } of snapshots)
      if (position > at) throw new Error(`a snapshot of ${position}, ${at} is committed`)
    const store: SnapshotStore = {
      candidates: async () =>
        snapshots
          .toReversed()
          .map(({ position, bytes }) => ({ name: `${position}`, position, read: () => decodeSnapshot(bytes) })),
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
    const bytes = this.#task!.snapshot()
    const add = () => void snapshots.push({ position, bytes })
    this.#pending.push(this.#committed(position).then(add, () => {}))
  }

  gauges() {
    return []
  }
  async close() {
    await Promise.all(this.#pending)
  }
}

const laneOf = (log: FakeLog, disk = new Disk()) =>
  new TaskLane({
    log: log as unknown as KafkaTaskLog,
    keep: new DiskKeep(disk),
    logger: quiet,
    heartbeatMs: 0,
    retentionMs: 0,
    rebuilds: new Counters().counter('rebuilds_total'),
  })

const expected = (log: FakeLog) => {
  const read = log.records.filter(({ position }) => position <= log.at)
  return read.length === 0 ? [] : step(newTask(), read).outputs
}

/** Feeds the log to a lane as a consumer would, in batches of these sizes, each a time to die (0) or not. */
async function drive(log: FakeLog, sizes: readonly number[], disk = new Disk()): Promise<void> {
  const messages = log.records.map(
    ({ position, entry }) =>
      ({ offset: String(position), value: Buffer.from(encodeEntry(entry, STREAMS)) }) as unknown as KafkaMessage,
  )
  let lane = laneOf(log, disk)
  let next = 0
  for (const size of [...sizes, messages.length, messages.length, messages.length]) {
    if (size === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      lane = laneOf(log, disk)
      next = log.at + 1
      continue
    }
    const batch = messages.slice(next, next + size)
    const outcome = await lane.process(batch, async () => {})
    if (outcome.next === 'on') next += batch.length
    else if (outcome.next === 'seek') next = outcome.offset
    for (let turns = 0; turns < size % 4; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  await new Promise((resolve) => setTimeout(resolve, 2))
  await lane.process([], async () => {})
  await lane.close()
}

test.each<[Fate, number]>([
  ['lost', 2],
  ['unheard', 2],
])('a commit that is %s: nothing is lost, nothing comes twice, and the task goes on as it is', async (fate, fences) => {
  const log = new FakeLog(entriesOf([0, 1, 1, 1, 30, 31, 1, 1]))
  log.fates = ['ok', fate]
  await drive(log, [3, 3, 3])
  expect(log.fences).toBe(fences)
  expect(log.outputs.length).toBeGreaterThan(2)
  expect(log.outputs).toEqual(expected(log))
})

test('who dies goes on from the newest snapshot that is committed, and no snapshot is ahead of a commit', async () => {
  const log = new FakeLog(entriesOf([0, 1, 1, 1, 30, 31, 1, 1, 0, 1, 1, 30, 1]))
  log.fates = ['ok', 'lost', 'ok', 'unheard']
  const disk = Object.assign(new Disk(), { every: 1 })
  await drive(log, [3, 3, 0, 2, 2, 0, 2], disk)
  expect(log.outputs.length).toBeGreaterThan(2)
  expect(log.outputs).toEqual(expected(log))
  expect(disk.takenFrom.length).toBeGreaterThan(2)
  expect(disk.takenFrom[0]).toBe(-1)
  expect(Math.min(...disk.takenFrom.slice(1))).toBeGreaterThanOrEqual(2)
})

test('a lane closes though a snapshot waits for its commit, and that snapshot does not count', async () => {
  const log = new FakeLog(entriesOf([0, 1]))
  const disk = Object.assign(new Disk(), { every: 1 })
  const lane = laneOf(log, disk)
  const [rules, first] = log.records.map(
    ({ position, entry }) =>
      ({ offset: String(position), value: Buffer.from(encodeEntry(entry, STREAMS)) }) as unknown as KafkaMessage,
  )
  await lane.process([rules], async () => {})
  await expect.poll(() => disk.snapshots.map(({ position }) => position), { timeout: 10_000 }).toEqual([0])
  await lane.process([first], async () => {}) // no output: its position is committed a second later
  await lane.close()
  expect(Math.max(...disk.snapshots.map(({ position }) => position))).toBe(log.at)
})

test('somebody else went on from there: the task is built again', async () => {
  const log = new FakeLog(entriesOf([0, 1, 1, 1, 30, 31, 1, 1]))
  const other = laneOf(log)
  await drive(log, [4])
  await other.process([], async () => {})
  other.rejoined()
  const at = log.at
  await drive(log, [9])
  expect(log.at).toBeGreaterThanOrEqual(at)
  expect(log.outputs).toEqual(expected(log))
})

test('whatever fails and whoever dies, what is committed is what the log gives', async () => {
  const gaps = fc.array(fc.constantFrom(0, 1, 5, 29, 31, 61), { minLength: 4, maxLength: 25, size: 'max' })
  const sizes = fc.array(fc.nat(5), { maxLength: 12 })
  const fates = fc.array(fc.constantFrom<Fate>('ok', 'ok', 'lost', 'unheard'), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(gaps, sizes, fates, fc.nat(3), async (minutes, batches, failures, every) => {
      const log = new FakeLog(entriesOf(minutes))
      log.fates = failures
      await drive(log, batches, Object.assign(new Disk(), { every }))
      expect(log.outputs).toEqual(expected(log))
    }),
    { numRuns: 150 },
  )
})
