import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import type { LogRecord } from '../../model/block.ts'
import { blockFromRows } from '../../model/column.ts'
import { Counters } from '../../model/counters.ts'
import type { NumberedLog } from '../../model/ports.ts'
import { step } from '../../task/step.ts'
import { TaskFolder } from './task-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-folder-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams, limits } = defaultConfig(root)
const snapshots = { everyMs: 3_600_000, records: 1 }
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

const records = Array.from({ length: 6 }, (_, position): LogRecord => {
  const row = {
    offset: position,
    timeMs: 1_767_225_600_000 + position,
    type: 'order.created',
    event_id: `E${position}`,
  }
  return { position, entry: blockFromRows(streams[0], { topic: 'orders', partition: 0 }, [row]) }
})

/** Committed at `at`. */
const logAt = (at: number): NumberedLog => ({
  id: 'log',
  position: async () => at,
  committed: async () => ({ position: at, kept: new Map() }),
  commit: async () => {},
  past: (_, through) => logAt(at).between(-1, through),
  async *between(position, through) {
    yield records.slice(position + 1, through + 1)
  },
})

const open = (folder: string) =>
  new TaskFolder({ folder, streams, limits, snapshots, counters: new Counters(), logger: quiet })
const filesIn = (folder: string) => readdirSync(join(folder, 'snapshots'))

test('a snapshot counts once its position is committed; one whose task is given up before that leaves nothing', async () => {
  const folder = join(root, 'a')
  let answer!: { resolve: () => void; reject: (error: Error) => void }
  const committed = () =>
    new Promise<void>((resolve, reject) => {
      answer = { resolve, reject }
    })
  const first = open(folder)
  const { task } = await first.takeUp(logAt(-1), committed)
  step(task, records.slice(0, 3))
  first.rests(2)
  await expect.poll(() => answer).toBeDefined()
  expect(filesIn(folder).filter((name) => name.endsWith('.manifest'))).toEqual([])
  answer.reject(new Error('the partition is gone'))
  await first.close()
  expect(filesIn(folder)).toEqual([])

  const second = open(folder)
  const again = await second.takeUp(logAt(2), committed)
  expect(again).toMatchObject({ snapshot: null, records: 3 })
  step(again.task, records.slice(3, 5))
  answer = undefined as never
  second.rests(4)
  await expect.poll(() => answer).toBeDefined()
  answer.resolve()
  await expect.poll(() => filesIn(folder).filter((name) => name.endsWith('.manifest'))).toHaveLength(1)
  await second.close()

  const third = open(folder)
  expect(await third.takeUp(logAt(5))).toMatchObject({ position: 5, snapshot: expect.any(String), records: 1 })
  await third.close()
})
