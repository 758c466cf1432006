import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import type { LogEntry, LogRecord } from '../../../model/block.ts'
import { decodeEntry, encodeEntry } from '../../../model/block-codec.ts'
import { blockFromRows } from '../../../model/column.ts'
import { Counters } from '../../../model/counters.ts'
import type { Output } from '../../../model/output.ts'
import type { Commit, Committed } from '../../../model/ports.ts'
import { fileOf, ruleText, STREAMS } from '../../../plan/testing.ts'
import { step } from '../../../task/step.ts'
import { Task } from '../../../task/task.ts'
import type { KafkaTaskLog } from './kafka-task-log.ts'
import { TaskLane } from './task-lane.ts'

const MINUTE_MS = 60_000
const newTask = () => new Task({ streams: STREAMS, counters: new Counters(), finite: false })
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** What happens to a commit: it takes place; it does not, with an error; it does, with an error all the same. */
type Fate = 'ok' | 'lost' | 'unheard'

/** A log in memory that fails on demand. */
class FakeLog {
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
  async *past(_fromMs: number, through: number) {
    yield this.records.filter(({ position }) => position <= through)
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

const laneOf = (log: FakeLog) =>
  new TaskLane({
    log: log as unknown as KafkaTaskLog,
    newTask,
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
async function drive(log: FakeLog, sizes: readonly number[]): Promise<void> {
  const messages = log.records.map(
    ({ position, entry }) =>
      ({ offset: String(position), value: Buffer.from(encodeEntry(entry, STREAMS)) }) as unknown as KafkaMessage,
  )
  let lane = laneOf(log)
  let next = 0
  for (const size of [...sizes, messages.length, messages.length, messages.length]) {
    if (size === 0) {
      await new Promise((resolve) => setImmediate(resolve))
      lane = laneOf(log)
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
    fc.asyncProperty(gaps, sizes, fates, async (minutes, batches, failures) => {
      const log = new FakeLog(entriesOf(minutes))
      log.fates = failures
      await drive(log, batches)
      expect(log.outputs).toEqual(expected(log))
    }),
    { numRuns: 150 },
  )
})
