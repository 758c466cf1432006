import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import type { SnapshotFault } from '../../model/errors.ts'
import { SnapshotRefused } from '../../model/errors.ts'
import type { SnapshotSource } from '../../model/ports.ts'
import { type Disk, nodeDisk } from './disk.ts'
import { FolderSnapshots } from './folder-snapshots.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-snapshots-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newFolder = () => join(root, String(folders++))

type State = Readonly<Record<number, string>>

/** A state of few pieces; `changed`: the keys that are handed over. */
function source(state: State, changed: readonly number[] | 'all' = 'all'): SnapshotSource {
  const keys = changed === 'all' ? Object.keys(state).map(Number) : [...changed]
  return {
    full: changed === 'all',
    head: Buffer.from(JSON.stringify(state)),
    has: (key) => key in state,
    copy: () => (keys.length > 0 ? keys.splice(0, 2).map((key) => ({ key, bytes: Buffer.from(state[key]) })) : null),
    giveUp: () => {},
  }
}

interface Found {
  readonly position: number | null
  readonly state: State | null
  readonly refused: readonly SnapshotFault[]
}

/** The newest good one: its pieces, which must be what its head says. */
async function found(folder: string, committed = 1_000, logId = 'log'): Promise<Found> {
  const refused: SnapshotFault[] = []
  const store = new FolderSnapshots(folder, logId)
  for (const stored of await store.candidates(committed, ({ reason }) => refused.push(reason))) {
    try {
      const { head, pieces } = stored.read()
      const state = Object.fromEntries([...pieces].map(({ key, bytes }) => [key, Buffer.from(bytes).toString()]))
      expect(state).toEqual(JSON.parse(Buffer.from(head).toString()))
      return { position: stored.position, state, refused }
    } catch (error) {
      if (!(error instanceof SnapshotRefused)) throw error
      refused.push(error.reason)
    }
  }
  return { position: null, state: null, refused }
}

const first = { 1: 'one', 2: 'two', 3: 'three' }
const second = { 1: 'one', 2: 'TWO', 4: 'four' }

test('a snapshot of what changed is whole together with those before it', async () => {
  const folder = newFolder()
  const store = new FolderSnapshots(folder, 'log')
  expect(await store.save(7, source(first))).toMatchObject({ full: true, pieces: 3 })
  expect(await store.save(9, source(second, [2, 4]))).toMatchObject({ full: false, pieces: 2 })
  expect(await found(folder)).toEqual({ position: 9, state: second, refused: [] })
})

test('one of a later position, or of another log, is not taken up; a later one goes at once', async () => {
  const folder = newFolder()
  const store = new FolderSnapshots(folder, 'log')
  await store.save(7, source(first))
  await store.save(9, source(second, [2, 4]))
  expect(await found(folder, 1_000, 'other')).toMatchObject({ position: null, refused: ['other_log', 'other_log'] })
  expect(await found(folder, 8)).toEqual({ position: 7, state: first, refused: ['ahead'] })
  expect(await found(folder)).toEqual({ position: 7, state: first, refused: [] })
})

test('no flipped byte and no lost end leads to a wrong state', async () => {
  const folder = newFolder()
  await new FolderSnapshots(folder, 'log').save(7, source(first))
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const bytes = readFileSync(path)
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes)
      flipped[i] ^= 1 << (i & 7)
      writeFileSync(path, flipped)
      expect((await found(folder)).refused, `${name}, byte ${i}`).toHaveLength(1)
      writeFileSync(path, bytes)
      truncateSync(path, i)
      expect((await found(folder)).refused, `${name}, cut to ${i}`).toHaveLength(1)
    }
    writeFileSync(path, bytes)
  }
  expect(await found(folder)).toEqual({ position: 7, state: first, refused: [] })
})

test('a damaged newest one leaves the one before', async () => {
  const folder = newFolder()
  const store = new FolderSnapshots(folder, 'log')
  await store.save(7, source(first))
  await store.save(9, source(second, [2, 4]))
  const newest = readdirSync(folder)
    .filter((name) => name.endsWith('.manifest'))
    .toSorted()[1]
  truncateSync(join(folder, newest), 30)
  expect(await found(folder)).toEqual({ position: 7, state: first, refused: ['torn'] })
})

/** Takes a copy of the folder before each step. */
function photographed(folder: string, photos: string[]): Disk {
  const before =
    <A extends unknown[], R>(step: (...args: A) => R) =>
    (...args: A): R => {
      const photo = newFolder()
      cpSync(folder, photo, { recursive: true })
      photos.push(photo)
      return step(...args)
    }
  const { append, sync, rename, remove } = nodeDisk
  return { ...nodeDisk, append: before(append), sync: before(sync), rename: before(rename), remove: before(remove) }
}

test('a crash between any two steps leaves the older or the newer snapshot', async () => {
  const folder = newFolder()
  nodeDisk.makeFolder(folder)
  const photos: string[] = []
  const store = new FolderSnapshots(folder, 'log', photographed(folder, photos))
  const states: [number, State][] = []
  let begun = 0
  for (const [position, state, changed] of [
    [1, first, 'all'],
    [2, second, [2, 4]],
    [3, { ...second, 5: 'five' }, [5]],
    [4, { ...first, 6: 'six' }, 'all'],
    [5, { ...first, 6: 'SIX' }, [6]],
  ] as const) {
    states.push([position, state])
    await store.save(position, source(state, changed))
    for (const photo of photos.slice(begun)) {
      const { position: at, state: was, refused } = await found(photo)
      const expected = states.slice(-2).some(([p, s]) => p === at && JSON.stringify(s) === JSON.stringify(was))
      expect(expected || (position === 1 && at === null), `${position}: ${at} ${JSON.stringify(was)}`).toBe(true)
      expect(refused).toEqual([])
      // and the next process goes on from there, leaving nothing behind
      await new FolderSnapshots(photo, 'log').save(99, source(second))
      expect(await found(photo)).toMatchObject({ position: 99, state: second })
      expect(readdirSync(photo)).toHaveLength(2)
    }
    begun = photos.length
  }
  expect(begun).toBeGreaterThan(30)
  const data = readdirSync(folder).filter((name) => name.endsWith('.data'))
  expect([data.length, readdirSync(folder).length]).toEqual([1, 3])
})

test('a full disk: the snapshots before stay, and the next one is full', async () => {
  for (let room = 0; room < 4; room++) {
    const folder = newFolder()
    let left = Number.POSITIVE_INFINITY
    const append: Disk['append'] = async (path, bytes) => {
      if (left-- > 0) return nodeDisk.append(path, bytes)
      await nodeDisk.append(path, bytes.subarray(0, bytes.length >> 1))
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
    }
    const store = new FolderSnapshots(folder, 'log', { ...nodeDisk, append })
    await store.save(1, source(first))
    left = room % 2
    const next = room < 2 ? source(second, [2, 4]) : source(second)
    await expect(store.save(2, next)).rejects.toThrow('ENOSPC')
    left = Number.POSITIVE_INFINITY
    expect(await found(folder)).toEqual({ position: 1, state: first, refused: [] })
    expect(store.wantsFull).toBe(true)
    await store.save(3, source(second))
    expect(await found(folder)).toEqual({ position: 3, state: second, refused: [] })
  }
})

test('when more than half of the data file is of no use, a full one is wanted', async () => {
  const store = new FolderSnapshots(newFolder(), 'log')
  const state = { 1: 'a'.repeat(100), 2: 'b'.repeat(100) }
  await store.save(1, source(state))
  await store.save(2, source(state, [1]))
  await store.save(3, source(state, [1]))
  expect(store.wantsFull).toBe(false)
  await store.save(4, source(state, [2]))
  expect(store.wantsFull).toBe(true)
  await store.save(5, source(state))
  expect(store.wantsFull).toBe(false)
})

test('a right checksum over wrong contents is refused, and takes no memory', async () => {
  const wrong: readonly (readonly [string, (bytes: Buffer, entriesAt: number) => void])[] = [
    ['its JSON is none', (bytes) => bytes.writeUInt8(0, 24)],
    ['its sections go beyond its end', (bytes) => bytes.writeUInt32LE(0xffff_ffff, 16)],
    ['a file that it does not name', (bytes, at) => bytes.writeUInt32LE(9, at + 16)],
    ['a file that is not of snapshots', (bytes) => bytes.write('../../', bytes.indexOf('pages-'))],
    ['a piece of 4 GB', (bytes, at) => bytes.writeUInt32LE(0xffff_ffff, at + 20)],
    ['a place that is none', (bytes, at) => bytes.writeDoubleLE(Number.NaN, at + 8)],
    ['a key that is none', (bytes, at) => bytes.writeDoubleLE(-1, at)],
  ]
  for (const [what, change] of wrong) {
    const folder = newFolder()
    await new FolderSnapshots(folder, 'log').save(1, source(first))
    const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.manifest'))!)
    const bytes = readFileSync(path)
    change(bytes, 24 + bytes.readUInt32LE(16) + bytes.readUInt32LE(20))
    bytes.writeUInt32LE(crc32(bytes.subarray(16)), 12)
    writeFileSync(path, bytes)
    const before = process.memoryUsage().arrayBuffers
    expect([what, await found(folder)]).toEqual([what, { position: null, state: null, refused: ['torn'] }])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20)
  }
})
