import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import type { Block, LogEntry, LogRecord, Mark } from '../../model/block.ts'
import { blockFromRows } from '../../model/column.ts'
import type { Output } from '../../model/output.ts'
import type { Commit, SetAside } from '../../model/ports.ts'
import { openDatabase } from './database.ts'
import { LOG_FILE, LocalLog } from './local-log.ts'
import { Outputs } from './outputs.ts'
import { Trimmer } from './trim.ts'
import { LocalWriter } from './writer.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-local-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams } = defaultConfig(root)
const [transactions] = streams
let folders = 0
const newFolder = () => join(root, String(folders++))

function blockAt(...timesMs: number[]): Block {
  const rows = timesMs.map((timeMs, offset) => ({ offset, timeMs, type: 'order.created', event_id: `e${timeMs}` }))
  return blockFromRows(transactions!, { topic: 'orders', partition: 0 }, rows)
}
function markAt(upToMs: number): Mark {
  return { kind: 'mark', sourceTopic: 'local', sourcePartition: 0, upToMs, sources: ['local/0'] }
}
const commitOf = (position: number, changes: Iterable<[string, string | null]> = []): Commit => ({
  position,
  outputs: [],
  changes: new Map(changes),
})
async function pastOf(log: LocalLog, fromStreamMs: number, through: number): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const batch of log.past(fromStreamMs, through)) records.push(...batch)
  return records
}
function withLog<T>(use: (log: LocalLog, folder: string) => Promise<T>, folder = newFolder()): Promise<T> {
  const log = new LocalLog(folder, streams)
  return use(log, folder).finally(() => log.close())
}

test('an output that is too large for a text is left out and told of; the rest of its commit goes on', async () => {
  const folder = newFolder()
  const aside: SetAside[] = []
  const log = new LocalLog(folder, streams, (record) => aside.push(record))
  const huge = {
    toJSON() {
      throw new RangeError('Invalid string length')
    },
  }
  const alert = (rule: string, evidence: unknown) => ({ kind: 'alert', rule, mode: 'live', key: { k: 1 }, evidence })
  const outputs = [alert('a', null), alert('b', huge), alert('c', null)] as unknown as Output[]
  await log.commit({ ...commitOf(7, [['n', '1']]), outputs })
  expect(await log.committed()).toEqual({ position: 7, kept: new Map([['n', '1']]) })
  log.close()
  const written = Outputs.open(folder)
  expect(written.after('alerts', 0).map(({ json }) => JSON.parse(json).rule)).toEqual(['a', 'c'])
  written.close()
  expect(aside).toEqual([{ topic: 'alerts', rule: 'b', key: '{"k":1}', position: 7, bytes: Number.NaN }])
})

test('what is appended is read in order, as soon as it is there', () =>
  withLog(async (log) => {
    const stop = new AbortController()
    const first = log.next(-1, stop.signal)
    await log.writer.append([blockAt(10, 20), markAt(30)])
    const batch = await first
    expect(batch?.records.map((r) => [r.position, r.entry.kind])).toEqual([
      [1, 'block'],
      [2, 'mark'],
    ])
    expect(batch).toMatchObject({ atEnd: true })
    expect(log.lastPosition).toBe(2)
    const waiting = log.next(2, stop.signal)
    stop.abort()
    expect(await waiting).toBeNull()
  }))

test('a commit is there after the log is opened again, with what it kept and put out', async () => {
  const folder = newFolder()
  await withLog(async (log) => {
    expect(await log.committed()).toEqual({ position: -1, kept: new Map() })
    await log.writer.append([blockAt(1), blockAt(2)])
    await log.commit(commitOf(1, [['a', '1'], ['b', '2']])) // biome-ignore format: pairs
    const alert = {
      kind: 'ranking',
      ranking: 'hot',
      version: 1,
      per: {},
      as_of: 1,
      window: { start: 0, end: 1 },
      items: [],
    } as const
    await log.commit({ ...commitOf(2, [['a', null]]), outputs: [alert] }) // biome-ignore format: pairs
  }, folder)
  await withLog(async (log) => {
    expect(await log.committed()).toEqual({ position: 2, kept: new Map([['b', '2']]) })
    await expect(log.commit(commitOf(2))).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  }, folder)
  const outputs = Outputs.open(folder)
  expect(outputs.after('rankings', 0).map(({ json }) => JSON.parse(json).ranking)).toEqual(['hot'])
  expect(outputs.newest('alerts', 5)).toEqual([])
  outputs.close()
})

test('the past begins where stream time had got to, disorder or not', () =>
  withLog(async (log) => {
    // position     1       2       3 (late)  4       5
    // time         10      30      20        40      50
    // stream time  10      30      30        40      50
    await log.writer.append([10, 30, 20, 40, 50].map((t) => blockAt(t)))
    const positions = async (from: number, through: number) => (await pastOf(log, from, through)).map((r) => r.position)
    expect(await positions(Number.NEGATIVE_INFINITY, 5)).toEqual([1, 2, 3, 4, 5])
    expect(await positions(30, 5)).toEqual([2, 3, 4, 5])
    expect(await positions(31, 4)).toEqual([4])
    expect(await positions(Number.POSITIVE_INFINITY, 5)).toEqual([])
  }))

test('batches are bounded', () =>
  withLog(async (log) => {
    await log.writer.append(Array.from({ length: 1_200 }, (_, i) => blockAt(i)))
    const sizes: number[] = []
    const ends: boolean[] = []
    for (let position = 0; position < 1_200; ) {
      const batch = await log.next(position, new AbortController().signal)
      sizes.push(batch!.records.length)
      ends.push(batch!.atEnd)
      position = batch!.records.at(-1)!.position
    }
    expect(sizes).toEqual([500, 500, 200])
    expect(ends).toEqual([false, false, true])
  }))

test('several writers: the log numbers the records of a source', async () => {
  const folder = newFolder()
  await withLog(async (log) => {
    const other = new LocalWriter(openDatabase(join(folder, LOG_FILE)), streams)
    await log.writer.append([blockAt(1, 2)])
    await other.append([blockAt(3), blockAt(4, 5, 6)])
    await log.writer.append([blockAt(7)])
    const records = await pastOf(log, Number.NEGATIVE_INFINITY, 9)
    const offsets = records.map(({ entry }) => (entry.kind === 'block' ? [...entry.offsets] : []))
    expect(offsets).toEqual([[0, 1], [2], [3, 4, 5], [6]])
    expect(log.writer.streamMs).toBe(7)
  }, folder)
})

test('a generator keeps where it stands in the transaction of its append', () =>
  withLog(async ({ writer }) => {
    expect(writer.meta('traffic')).toBeNull()
    writer.appendWith([blockAt(1)], { traffic: 'a' })
    expect(() => writer.appendWith([{ kind: 'nonsense' } as unknown as LogEntry], { traffic: 'b' })).toThrow()
    expect(writer.meta('traffic')).toBe('a')
  }))

test('rules put first stand before what was appended, once', () =>
  withLog(async (log) => {
    await log.writer.append([blockAt(5)])
    for (const text of ['a', 'b']) log.writer.putFirst({ kind: 'rules', files: [{ path: 'x', text }] })
    const batch = await log.next(-1, new AbortController().signal)
    expect(batch?.records.map((r) => r.position)).toEqual([0, 1])
    expect(batch?.records[0]?.entry).toMatchObject({ files: [{ text: 'b' }] })
  }))

describe('trimming', () => {
  const HOUR_MS = 3_600_000
  test('only records that are committed and older than what a rebuild reads', () =>
    withLog(async (log) => {
      await log.writer.append(Array.from({ length: 10 }, (_, i) => blockAt(i * HOUR_MS)))
      // stream time 9 h, span 2 h: kept are the last 3 h
      expect(log.trim(5, 9 * HOUR_MS, 2 * HOUR_MS).records).toBe(5)
      expect(log.trim(10, 9 * HOUR_MS, 2 * HOUR_MS).records).toBe(1)
      expect(log.trim(10, 9 * HOUR_MS, 0).records).toBe(2)
      expect((await pastOf(log, 0, 10)).map((r) => r.position)).toEqual([9, 10])
    }))
  test('stream time outlives the last record', () =>
    withLog(async (log) => {
      await log.writer.append([blockAt(5 * HOUR_MS)])
      expect(log.trim(1, 100 * HOUR_MS, 0).records).toBe(1)
      expect(log.writer.streamMs).toBe(5 * HOUR_MS)
      await log.writer.append([blockAt(1)])
      expect(log.lastPosition).toBe(2)
      expect((await pastOf(log, 5 * HOUR_MS, 2)).map((r) => r.position)).toEqual([2])
    }))
  test('outputs by age: rankings after a day, others after a week', () => {
    const db = openDatabase(join(newFolder(), LOG_FILE))
    const insert = db.prepare("INSERT INTO outputs (topic, position, committed_ms, json) VALUES (?, 1, ?, '{}')")
    const nowMs = 100 * 24 * HOUR_MS
    for (const days of [8, 6, 2, 0.5])
      for (const topic of ['alerts', 'rankings']) insert.run(topic, nowMs - days * 24 * HOUR_MS)
    expect(new Trimmer(db).trim(1, nowMs, 0, nowMs).outputs).toBe(4)
    const left = db.prepare('SELECT topic FROM outputs ORDER BY seq').pluck().all()
    expect(left).toEqual(['alerts', 'alerts', 'alerts', 'rankings'])
    db.close()
  })
})

test('a clock that is a month ahead for a while deletes no output; a month without an engine is caught up with', () => {
  const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000]
  const folder = newFolder()
  const open = () => {
    const at = { elapsedMs: 0 }
    const db = openDatabase(join(folder, LOG_FILE))
    return { at, db, trimmer: new Trimmer(db, () => at.elapsedMs) }
  }
  const first = open()
  const insert = first.db.prepare("INSERT INTO outputs (topic, position, committed_ms, json) VALUES (?, 1, ?, '{}')")
  const nowMs = 100 * DAY_MS
  for (const topic of ['alerts', 'rankings']) insert.run(topic, nowMs - HOUR_MS)
  expect(first.trimmer.trim(1, nowMs, 0, nowMs + 30 * DAY_MS).outputs).toBe(0)
  first.at.elapsedMs += 14_000
  expect(first.trimmer.trim(1, nowMs, 0, nowMs + 30 * DAY_MS).outputs).toBe(0)
  first.db.close()
  const second = open()
  expect(second.trimmer.trim(1, nowMs, 0, nowMs + 30 * DAY_MS).outputs).toBe(0)
  second.at.elapsedMs += 4 * DAY_MS
  expect(second.trimmer.trim(1, nowMs, 0, nowMs + 34 * DAY_MS).outputs).toBe(2)
  second.db.close()
})

describe('what goes wrong has a name', () => {
  test('a second engine on the same folder', () =>
    withLog(async (_, folder) => {
      const message = `another engine (process ${process.pid}) runs on ${folder}`
      expect(() => new LocalLog(folder, streams)).toThrow(expect.objectContaining({ code: 'LOG_BUSY', message }))
    }))
  test('the folder is free again after close', async () => {
    const folder = newFolder()
    await withLog(async () => {}, folder)
    await withLog(async () => {}, folder)
  })
  test('a file that is no log', () => {
    const folder = newFolder()
    new LocalLog(folder, streams).close()
    writeFileSync(join(folder, LOG_FILE), 'x'.repeat(5_000))
    expect(() => new LocalLog(folder, streams)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })
  test('a damaged record', () =>
    withLog(async (log, folder) => {
      await log.writer.append([blockAt(1)])
      const db = openDatabase(join(folder, LOG_FILE))
      db.prepare("UPDATE log SET bytes = x'00'").run()
      db.close()
      const next = log.next(-1, new AbortController().signal)
      await expect(next).rejects.toMatchObject({ code: 'STATE_CORRUPT', message: expect.stringContaining('record 1:') })
    }))
  test('a disk that is full: the append is not made, what was there stays', async () => {
    const db = openDatabase(join(newFolder(), LOG_FILE))
    const writer = new LocalWriter(db, streams)
    await writer.append([blockAt(1)])
    db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`)
    const many = Array.from({ length: 200 }, (_, i) => blockAt(i))
    await expect(writer.append(many)).rejects.toMatchObject({ code: 'LOG_BUSY', canRetry: true })
    expect(db.prepare('SELECT count(*) FROM log').pluck().get()).toBe(1)
    expect(writer.streamMs).toBe(1)
    db.close()
  })
  test('a log of another version', () => {
    const path = join(newFolder(), LOG_FILE)
    const db = openDatabase(path)
    db.pragma('user_version = 99')
    db.close()
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })
  test('no log to tap', () => {
    expect(() => Outputs.open(newFolder())).toThrow(expect.objectContaining({ code: 'INPUT_MISSING' }))
  })
})

test('large records are read a few at a time', () =>
  withLog(async (log) => {
    const row = { timeMs: 1, type: 'order.created', event_id: 'x'.repeat(1 << 20) }
    const blocks = Array.from({ length: 20 }, (_, offset) =>
      blockFromRows(transactions!, { topic: 'orders', partition: 0 }, [{ ...row, offset }]),
    )
    await log.writer.append(blocks)
    const sizes: number[] = []
    for await (const batch of log.between(-1, 100)) sizes.push(batch.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5)
    expect(sizes.reduce((sum, n) => sum + n, 0)).toBe(20)
  }))
