import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import type { LogEntry } from '../../../model/block.ts'
import { encodeEntry } from '../../../model/block-codec.ts'
import { blockFromRows } from '../../../model/column.ts'
import { Counters } from '../../../model/counters.ts'
import { EngineError } from '../../../model/errors.ts'
import { processing } from '../../../pipeline.ts'
import { fileOf, ruleText, STREAMS } from '../../../plan/testing.ts'
import { step } from '../../../task/step.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import { batchBytes } from '../fetch/testing.ts'
import type { KafkaTaskLog } from './kafka-task-log.ts'
import { OwnedPartition, type PartitionOptions } from './owned-partition.ts'
import { Broker, Disk, DiskKeep, FakeFetcher, FakeLog, type Fate, newTask, turn } from './testing.ts'

const MINUTE_MS = 60_000

function entriesOf(minutes: readonly number[]): LogEntry[] {
  let atMs = 0
  const blocks = minutes.map((gap, i): LogEntry => {
    atMs += gap * MINUTE_MS
    const row = { offset: i, timeMs: atMs, type: 'order.created', event_id: `e${i}`, shop_id: `S${i % 2}` }
    return blockFromRows(STREAMS[0], { topic: 'orders', partition: 0 }, [row])
  })
  return [{ kind: 'rules', files: [fileOf(ruleText('busy', '[shop_id]'))] }, ...blocks]
}

function ownerOf(broker: Broker, disk = new Disk(), options: Partial<PartitionOptions> = {}) {
  const log = new FakeLog(broker)
  const fetcher = new FakeFetcher(broker)
  const lines: string[] = []
  const say = (_: object, message: string) => void lines.push(message)
  const owned = new OwnedPartition({
    log: log as unknown as KafkaTaskLog,
    keepOf: () => {
      log.calls.push('keep')
      return new DiskKeep(disk)
    },
    fetcher: fetcher as unknown as Fetcher,
    proven: async () => void log.calls.push('proven'),
    released: Promise.resolve(),
    logger: { debug: say, info: say, warn: say, error: say },
    retentionMs: 0,
    rebuilds: new Counters().counter('rebuilds_total'),
    ...options,
  })
  return { owned, log, fetcher, lines }
}
type Owner = ReturnType<typeof ownerOf>

const expected = ({ records, at }: Broker) => {
  const read = records.filter(({ position }) => position <= at)
  return read.length === 0 ? [] : step(newTask(), read).outputs
}

/** How a stretch of reading ends: all is committed; a join or a failure cuts it off; the process dies. */
type End = 'stop' | 'cut' | 'die'

/** Restores, and reads what is there before `limit`. */
async function read({ owned, fetcher }: Owner, limit: number, end: End): Promise<void> {
  fetcher.limit = limit
  const restored = await owned.restore()
  const stop = new AbortController()
  await new Promise<void>((resolve) => {
    const subscription = processing(restored, stop.signal).subscribe({ error: resolve, complete: resolve })
    fetcher.onIdle = () => {
      stop.abort()
      if (end === 'stop') return
      subscription.unsubscribe()
      resolve()
    }
  })
}

/** Reads the log in stretches of so many records; whoever dies is followed by another owner. At last all is committed. */
async function drive(broker: Broker, stretches: readonly (readonly [number, End])[], disk = new Disk()) {
  const owners = [ownerOf(broker, disk)]
  let limit = 0
  for (const [size, end] of stretches) {
    limit += size
    await read(owners.at(-1)!, limit, end)
    if (end === 'die') owners.push(ownerOf(broker, disk))
  }
  const last = owners.at(-1)!
  while (broker.at < broker.records.length - 1) await read(last, broker.records.length, 'stop')
  await last.owned.close()
  return owners
}

afterEach(() => {
  vi.restoreAllMocks()
})

test.each<Fate>(['lost', 'unheard'])(
  'a commit that is %s: nothing is lost, nothing comes twice, and the task goes on as it is',
  async (fate) => {
    const broker = new Broker(entriesOf([0, 1, 1, 1, 30, 31, 1, 1]))
    broker.fates = ['ok', fate]
    const disk = new Disk()
    const [{ log, lines }] = await drive(
      broker,
      [
        [6, 'stop'],
        [3, 'stop'],
        [0, 'stop'],
      ],
      disk,
    )
    expect(log.calls.filter((call) => call === 'fence')).toHaveLength(3)
    expect(disk.takenFrom).toHaveLength(1)
    expect(broker.outputs.length).toBeGreaterThan(2)
    expect(broker.outputs).toEqual(expected(broker))
    expect(lines).toContain('a commit failed; asking what became of it')
  },
)

test('who dies is followed by one that begins at the newest committed snapshot, and none is ahead of a commit', async () => {
  const broker = new Broker(entriesOf([0, 1, 1, 1, 30, 31, 1, 1, 0, 1, 1, 30, 1]))
  broker.fates = ['ok', 'lost', 'ok', 'unheard']
  const disk = Object.assign(new Disk(), { every: 1 })
  const stretches: [number, End][] = [
    [3, 'stop'],
    [3, 'die'],
    [2, 'cut'],
    [2, 'die'],
    [2, 'stop'],
  ]
  await drive(broker, stretches, disk)
  expect(broker.outputs.length).toBeGreaterThan(2)
  expect(broker.outputs).toEqual(expected(broker))
  expect(disk.takenFrom.length).toBeGreaterThan(2)
  expect(disk.takenFrom[0]).toBe(-1)
  expect(Math.min(...disk.takenFrom.slice(1))).toBeGreaterThanOrEqual(2)
})

test('whatever fails and whoever dies, what is committed is what the log gives', async () => {
  const gaps = fc.array(fc.constantFrom(0, 1, 5, 29, 31, 61), { minLength: 4, maxLength: 25, size: 'max' })
  const ends = fc.constantFrom<End>('stop', 'cut', 'cut', 'die')
  const stretches = fc.array(fc.tuple(fc.nat(5), ends), { maxLength: 12 })
  const fates = fc.array(fc.constantFrom<Fate>('ok', 'ok', 'lost', 'unheard'), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(gaps, stretches, fates, fc.nat(3), async (minutes, pieces, failures, every) => {
      const broker = new Broker(entriesOf(minutes))
      broker.fates = failures
      await drive(broker, pieces, Object.assign(new Disk(), { every }))
      expect(broker.at).toBe(broker.records.length - 1)
      expect(broker.outputs).toEqual(expected(broker))
    }),
    { numRuns: 70 },
  )
})

test('somebody else went on from there: the task is built again, and nothing comes twice', async () => {
  const broker = new Broker(entriesOf([0, 1, 1, 1, 30, 31, 1, 1]))
  const disk = new Disk()
  const first = ownerOf(broker, disk)
  await read(first, 3, 'stop')
  const other = ownerOf(broker)
  await read(other, 6, 'stop')
  expect(broker.at).toBe(5)
  await read(first, 9, 'stop')
  expect(disk.takenFrom).toHaveLength(2)
  expect([broker.at, broker.outputs]).toEqual([8, expected(broker)])
})

test('restoring: fence, proof that it is ours, position; the state directory when the owner before has left it', async () => {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const { owned, log, fetcher } = ownerOf(new Broker(entriesOf([0])), new Disk(), { released })
  const restoring = owned.restore()
  await turn()
  expect([log.calls, owned.state, owned.task]).toEqual([[], 'created', null])
  release()
  const { commits, task } = await restoring
  expect(log.calls.slice(0, 4)).toEqual(['keep', 'fence', 'proven', 'position'])
  expect([owned.state, owned.task === task, commits.position]).toEqual(['running', true, -1])
  await owned.restore()
  expect(log.calls.filter((call) => call === 'keep')).toHaveLength(1)
  expect(fetcher.feeds).toHaveLength(1)
  await owned.close()
})

test('not proven: nothing is read, and it may try again', async () => {
  const fenced = new EngineError('FENCED', 'joined again')
  const proofs = [Promise.reject(fenced), Promise.resolve()]
  proofs[0].catch(() => {})
  const { owned, log } = ownerOf(new Broker(entriesOf([0])), new Disk(), { proven: () => proofs.shift()! })
  await expect(owned.restore()).rejects.toBe(fenced)
  expect([log.calls, owned.state]).toEqual([['keep', 'fence'], 'restoring'])
  await owned.restore()
  expect(owned.state).toBe('running')
})

test('a restore that fails is said, at most every five seconds; one that is FENCED is not', async () => {
  const failures = [new EngineError('FENCED', 'joined again'), new Error('reset'), new Error('reset')]
  const { owned, lines } = ownerOf(new Broker([]), new Disk(), { proven: () => Promise.reject(failures.shift()) })
  for (let i = 0; i < 3; i++) await expect(owned.restore()).rejects.toThrow()
  expect(lines).toEqual(['a task is not restored'])
})

test('two restores at once: one after the other', async () => {
  const { owned, log } = ownerOf(new Broker(entriesOf([0])))
  await Promise.all([owned.restore(), owned.restore()])
  const steps = log.calls.filter((call) => call === 'fence' || call === 'proven')
  expect(steps).toEqual(['fence', 'proven', 'fence', 'proven'])
})

test('closed before it was restored, or twice; then it is not restored any more', async () => {
  const { owned, log } = ownerOf(new Broker(entriesOf([0])))
  const closing = owned.close()
  expect(owned.close()).toBe(closing)
  await closing
  expect([owned.state, log.calls]).toEqual(['closed', ['close']])
  await expect(owned.restore()).rejects.toMatchObject({ code: 'FENCED' })
  expect(owned.state).toBe('closed')
})

test('revoked while it is restored: the restore ends FENCED, then all is let go', async () => {
  let goOn = (): void => {}
  const disk = new Disk()
  disk.gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const { owned, log, fetcher } = ownerOf(new Broker(entriesOf([0, 1])), disk)
  const restoring = expect(owned.restore()).rejects.toMatchObject({ code: 'FENCED' })
  await turn()
  const closing = owned.close()
  await turn()
  expect([owned.state, log.calls.includes('close')]).toEqual(['closing', false])
  goOn()
  await Promise.all([restoring, closing])
  expect([owned.state, owned.task, log.calls.at(-1)]).toEqual(['closed', null, 'close'])
  expect(fetcher.feeds.filter(({ closed }) => !closed)).toEqual([])
})

/** Its first commit is in flight until `land`; another output waits. */
async function inFlight(disk = new Disk()) {
  const broker = new Broker(entriesOf([0, 1, 1, 1, 1, 1]))
  const owner = ownerOf(broker, disk)
  await read(owner, 2, 'stop')
  let land = (): void => {}
  owner.log.gate = new Promise<void>((resolve) => {
    land = resolve
  })
  const { commits, task } = await owner.owned.restore()
  owner.log.calls.length = 0
  for (const position of [2, 3, 4, 5]) {
    const records = [broker.records[position]]
    await commits.accept(step(task, records), { records, appendedMs: 0 })
  }
  return { ...owner, broker, commits, land }
}

test('closing waits for the commit in flight, and no other one begins', async () => {
  const { owned, log, broker, commits, land } = await inFlight()
  expect([log.calls, commits.position]).toEqual([[log.calls[0]], 5])
  const closing = owned.close()
  await turn()
  expect([owned.state, log.calls.length]).toEqual(['closing', 1])
  land()
  await closing
  expect([owned.state, log.calls.slice(1)]).toEqual(['closed', ['close']])
  expect(`commit ${broker.at}`).toBe(log.calls[0])
  expect(broker.outputs).toEqual(expected(broker))
})

test('joined again while a commit is in flight: it ends before the next fence, and what waits is committed behind it', async () => {
  const { owned, log, broker, commits, land } = await inFlight()
  const again = owned.restore()
  await turn()
  expect(log.calls).toHaveLength(1)
  land()
  await again
  expect(log.calls.slice(1)).toEqual(['fence', 'proven', 'position'])
  await commits.drained()
  expect([broker.at, broker.outputs]).toEqual([5, expected(broker)])
})

test('it closes though a snapshot waits for its commit, and that snapshot does not count', async () => {
  const disk = Object.assign(new Disk(), { every: 1 })
  const broker = new Broker(entriesOf([0, 1]))
  const owner = ownerOf(broker, disk)
  await read(owner, 1, 'stop')
  await expect.poll(() => disk.snapshots.map(({ position }) => position)).toEqual([0])
  await read(owner, 2, 'cut') // no output: its position is committed a second later
  await owner.owned.close()
  expect([broker.at, disk.snapshots.map(({ position }) => position)]).toEqual([0, [0]])
})

test('records at or below the position are passed over', async () => {
  const { owned } = ownerOf(new Broker(entriesOf([0, 1, 1])))
  const { log } = await owned.restore()
  const piece = await log.next(1, new AbortController().signal)
  expect(piece?.records.map(({ position }) => position)).toEqual([2, 3])
})

test('a piece has some thousand events, and the oldest time that their records were appended at', async () => {
  const row = (offset: number) => ({ offset, timeMs: offset, type: 'order.created' })
  const entry = blockFromRows(
    STREAMS[0],
    { topic: 'orders', partition: 0 },
    Array.from({ length: 1_500 }, (_, i) => row(i)),
  )
  const { owned, fetcher } = ownerOf(new Broker([]))
  const { log } = await owned.restore()
  const value = Buffer.from(encodeEntry(entry, STREAMS))
  const appended = [700, 600, 800]
  fetcher.feeds[0].push(
    2,
    batchBytes(
      0,
      appended.map((ms) => ({ value, headers: { appended: String(ms) } })),
    ),
  )
  const { signal } = new AbortController()
  const pieces = [await log.next(-1, signal), await log.next(1, signal)]
  expect(pieces.map((piece) => [piece?.records.length, piece?.appendedMs])).toEqual([
    [2, 600],
    [1, 800],
  ])
})

test('stopped, it gives nothing; a log that cannot be read is told', async () => {
  const { owned, fetcher } = ownerOf(new Broker([]))
  const { log } = await owned.restore()
  const stop = new AbortController()
  const waiting = log.next(-1, stop.signal)
  await turn()
  stop.abort()
  expect(await waiting).toBeNull()
  fetcher.feeds[0].fail(new EngineError('LOG_GAP', 'gone'))
  await expect(log.next(-1, new AbortController().signal)).rejects.toThrow('gone')
})

test('the lag counts records that are not processed; there is none before anything was read', async () => {
  const owner = ownerOf(new Broker(entriesOf([0, 1, 1])))
  const lag = () => owner.owned.gauges().find(({ name }) => name === 'task_lag_records')?.value
  expect(lag()).toBeUndefined()
  await read(owner, 2, 'stop')
  owner.fetcher.feeds[0].heard({ end: 4 })
  expect(lag()).toBe(2)
  expect(owner.owned.gauges().find(({ name }) => name === 'task_stream_time_ms')?.value).toBe(0)
})

test('now and then the exchange is trimmed, up to what is committed at most; a failure of that is only said', async () => {
  const owner = ownerOf(new Broker(entriesOf([0, 1, 1])), new Disk(), { retentionMs: 30 * 24 * 60 * MINUTE_MS })
  await read(owner, 3, 'stop')
  owner.log.trimFails = true
  const now = performance.now()
  vi.spyOn(performance, 'now').mockReturnValue(now + 300_001)
  await read(owner, 4, 'stop')
  const trims = owner.log.calls.filter((call) => call.startsWith('trim'))
  expect(trims).toEqual([`trim ${MINUTE_MS - 30 * 24 * 60 * MINUTE_MS} 2`])
  expect(owner.lines).toContain('the exchange cannot be trimmed; it grows')
})
