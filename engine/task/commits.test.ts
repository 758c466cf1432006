import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { AlertRecord, Announcement } from '../model/output.ts'
import type { Commit, CommitDone, ReadRecords } from '../model/ports.ts'
import { Commits } from './commits.ts'

/** Writes are answered by hand, oldest first. */
class FakeLog {
  readonly written: Commit[] = []
  #answers: ((error?: unknown) => void)[] = []

  readonly write = (commit: Commit): Promise<void> => {
    this.written.push(commit)
    return new Promise((resolve, reject) => {
      this.#answers.push((error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  get waiting(): number {
    return this.#answers.length
  }

  async answer(error?: unknown): Promise<void> {
    this.#answers.shift()!(error)
    await turn()
  }

  get said(): string[] {
    return this.written.map(({ position, outputs }) => `${position}: ${outputs.map(nameOf).join(' ')}`)
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const output = (id: string) => ({ kind: 'alert', id }) as unknown as AlertRecord
const nameOf = (made: unknown) => (made as { id: string }).id
const read: ReadRecords = {
  records: [{ position: 0, entry: { kind: 'mark', sourceTopic: 't', sourcePartition: 0, upToMs: 0, sources: [] } }],
  appendedMs: 0,
}
const made = (position: number, ...names: string[]): Commit => ({
  position,
  outputs: names.map(output),
  changes: new Map(names.map((name) => [name[0], name])),
})

let log: FakeLog
let done: CommitDone[]
let failures: unknown[]
let nowMs: number
beforeEach(() => {
  log = new FakeLog()
  done = []
  failures = []
  nowMs = 10_000
})

function commitsFrom(position: number, { outputsMax = 3, quietMs = 60_000 } = {}) {
  const commits = new Commits({ write: log.write, outputsMax, quietMs, clock: () => nowMs }, position)
  listen(commits)
  return commits
}

function listen(commits: Commits): void {
  commits.committed$.subscribe({ next: (one) => done.push(one), error: (error) => failures.push(error) })
}

async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const end = () => {
    settled = true
  }
  promise.then(end, end)
  await turn()
  return settled
}

test('one in flight; what is made meanwhile is the next one, in order', async () => {
  const commits = commitsFrom(-1)
  await commits.accept(made(0, 'a1'), read)
  await commits.accept(made(1, 'a2', 'b1'), read)
  await commits.accept(made(2, 'a3'), { ...read, appendedMs: 5 })
  expect([log.said, commits.position, commits.committed]).toEqual([['0: a1'], 2, -1])
  await log.answer()
  expect([log.said, commits.committed]).toEqual([['0: a1', '2: a2 b1 a3'], 0])
  expect([...log.written[1].changes]).toEqual([
    ['a', 'a3'],
    ['b', 'b1'],
  ])
  await log.answer()
  expect(done.map(({ commit }) => commit.position)).toEqual([0, 2])
  expect([commits.committed, log.waiting]).toEqual([2, 0])
})

test('announcements count as outputs', async () => {
  const commits = commitsFrom(-1, { outputsMax: 0 })
  await commits.accept(made(0), read) // the first position is due at once
  await log.answer()
  const announcements = [{ kind: 'list' } as unknown as Announcement]
  await commits.accept({ ...made(1), announcements }, read)
  expect(log.written.at(-1)).toMatchObject({ position: 1, announcements })
  const waits = commits.accept({ ...made(2), announcements }, read)
  expect(await isDone(waits)).toBe(false)
  await log.answer()
  expect(await isDone(waits)).toBe(true)
})

test('events and the time from the oldest append are told with each commit', async () => {
  const commits = commitsFrom(-1)
  const batch = { kind: 'batch', blocks: [], runs: new Uint32Array(0), length: 7 } as const
  const of = (appendedMs: number) => ({ records: [{ position: 0, entry: batch }], appendedMs })
  await commits.accept(made(0, 'a'), of(9_000))
  await commits.accept(made(1, 'b'), of(8_000))
  await commits.accept(made(2, 'c'), of(9_500))
  await log.answer()
  nowMs = 10_100
  await log.answer()
  expect(done.map(({ events, latencyMs, atMs }) => [events, latencyMs, atMs])).toEqual([
    [7, 1_000, 10_000],
    [14, 2_100, 10_100],
  ])
})

test('more outputs than may wait: accept waits for the commit under way', async () => {
  const commits = commitsFrom(-1, { outputsMax: 2 })
  await commits.accept(made(0, 'a'), read)
  await commits.accept(made(1, 'b', 'c'), read)
  const waits = commits.accept(made(2, 'd'), read)
  expect(await isDone(waits)).toBe(false)
  await log.answer()
  expect([await isDone(waits), log.said]).toEqual([true, ['0: a', '2: b c d']])
})

test('outputsMax -1: accept waits for its own commit', async () => {
  const commits = commitsFrom(-1, { outputsMax: -1, quietMs: 0 })
  for (const position of [0, 1]) {
    const waits = commits.accept(made(position), read)
    expect(await isDone(waits)).toBe(false)
    await log.answer()
    expect([await isDone(waits), commits.committed]).toEqual([true, position])
  }
})

test('a position without outputs is committed now and then, with outputs, or at the end', async () => {
  const commits = commitsFrom(-1)
  await commits.accept(made(0), read)
  await log.answer()
  await commits.accept(made(1), read)
  await commits.accept(made(2), read)
  expect(log.said).toEqual(['0: '])
  await commits.accept(made(3, 'a'), read)
  await log.answer()
  await commits.accept(made(4), read)
  expect(log.said).toEqual(['0: ', '3: a'])
  const drained = commits.drained()
  expect([await isDone(drained), log.said]).toEqual([false, ['0: ', '3: a', '4: ']])
  await log.answer()
  expect(await isDone(drained)).toBe(true)
})

test('a mere position is due so long after the commit before, whichever way the clock was set meanwhile', async () => {
  const commits = commitsFrom(-1, { quietMs: 1_000 })
  await commits.accept(made(0), read)
  await log.answer()
  nowMs += 999
  await commits.accept(made(1), read)
  nowMs += 1
  await commits.accept(made(2), read)
  await log.answer()
  nowMs -= 3_600_000
  await commits.accept(made(3), read)
  expect(log.said).toEqual(['0: ', '2: ', '3: '])
})

test('drained commits all that waits, and nothing where nothing does', async () => {
  const commits = commitsFrom(7)
  await commits.drained()
  expect(log.said).toEqual([])
  await commits.accept(made(8, 'a'), read)
  await commits.accept(made(9, 'b'), read)
  const drained = commits.drained()
  await log.answer()
  expect(await isDone(drained)).toBe(false)
  await log.answer()
  expect([await isDone(drained), log.said]).toEqual([true, ['8: a', '9: b']])
})

test('who waits for a position hears when it is committed', async () => {
  const commits = commitsFrom(0)
  await commits.until(0)
  await commits.accept(made(1, 'a'), read)
  await commits.accept(made(3, 'b'), read)
  const [first, second, later] = [commits.until(1), commits.until(2), commits.until(9)]
  expect(await isDone(first)).toBe(false)
  await log.answer()
  expect([await isDone(first), await isDone(second)]).toEqual([true, false])
  await log.answer()
  expect([await isDone(second), await isDone(later)]).toEqual([true, false])
  commits.abandon()
  await expect(later).rejects.toMatchObject({ code: 'FENCED' })
})

test('given up: nobody waits any more, and nothing more is committed', async () => {
  const commits = commitsFrom(0)
  await commits.accept(made(1, 'a'), read)
  await commits.accept(made(2, 'b'), read)
  commits.abandon()
  await log.answer()
  expect(log.said).toEqual(['1: a'])
  await commits.until(1)
  await expect(commits.until(2)).rejects.toMatchObject({ code: 'FENCED' })
})

test('paused: the commit under way ends, no other one begins before it goes on', async () => {
  const commits = commitsFrom(0)
  await commits.accept(made(1, 'a'), read)
  await commits.accept(made(2, 'b'), read)
  const paused = commits.paused()
  expect(await isDone(paused)).toBe(false)
  await log.answer()
  expect([await isDone(paused), log.said]).toEqual([true, ['1: a']])
  expect(commits.resume(1)).toBe(true)
  await turn()
  expect(log.said).toEqual(['1: a', '2: b'])
})

/** A commit of 1 fails while b waits. */
async function failed() {
  const commits = commitsFrom(0)
  await commits.accept(made(1, 'a'), read)
  await commits.accept(made(2, 'b'), read)
  await log.answer(new Error('timed out'))
  expect(failures).toEqual([new Error('timed out')])
  await expect(commits.accept(made(3, 'c'), read)).rejects.toThrow('timed out')
  await expect(commits.drained()).rejects.toThrow('timed out')
  await commits.paused()
  expect([log.said, commits.position, commits.committed]).toEqual([['1: a'], 3, 0])
  return commits
}

test('it failed and had taken place: it is told as done, once somebody listens, and what waits is next', async () => {
  const commits = await failed()
  const waits = commits.until(1)
  expect(commits.resume(1)).toBe(true)
  listen(commits)
  await turn()
  expect([done.map(({ commit }) => commit.position), await isDone(waits)]).toEqual([[1], true])
  expect(log.said).toEqual(['1: a', '3: b c'])
})

test('it failed and had not taken place: it is made again, at once, with what waits', async () => {
  const commits = await failed()
  expect(commits.resume(0)).toBe(true)
  listen(commits)
  await turn()
  expect(log.said).toEqual(['1: a', '3: a b c'])
  await log.answer()
  expect([done.map(({ commit }) => commit.position), commits.committed]).toEqual([[3], 3])
})

test('somebody else was here: what was made is of no use', async () => {
  const commits = await failed()
  expect(commits.resume(5)).toBe(false)
})

test('without a failure it goes on where the log is where it thinks, and only there', async () => {
  const commits = commitsFrom(4)
  expect(commits.resume(4)).toBe(true)
  expect(commits.resume(5)).toBe(false)
  expect(commits.resume(3)).toBe(false)
})

test('whatever fails: each output is committed once, in order, and none is lost', async () => {
  const fates = fc.array(fc.constantFrom('ok', 'lost', 'unheard'), { maxLength: 12 })
  const steps = fc.array(fc.nat(3), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(steps, fates, fc.integer({ min: -1, max: 4 }), async (sizes, left, outputsMax) => {
      const taken: string[] = []
      let at = -1
      const write = async ({ position, outputs }: Commit) => {
        await turn()
        const fate = left.shift() ?? 'ok'
        if (fate !== 'lost') {
          expect(position).toBeGreaterThan(at)
          at = position
          taken.push(...outputs.map(nameOf))
        }
        if (fate !== 'ok') throw new Error(fate)
      }
      const commits = new Commits({ write, outputsMax, quietMs: 60_000, clock: () => 0 }, -1)
      const goOn = async () => {
        await commits.paused()
        expect(commits.resume(at)).toBe(true)
      }
      for (const [position, size] of sizes.entries()) {
        const names = Array.from({ length: size }, (_, i) => `${position}.${i}`)
        await commits.accept(made(position, ...names), read).catch(goOn)
      }
      for (let open = true; open; )
        await commits.drained().then(() => {
          open = false
        }, goOn)
      expect(taken).toEqual(
        sizes.flatMap((size, position) => Array.from({ length: size }, (_, i) => `${position}.${i}`)),
      )
      expect(at).toBe(sizes.length - 1)
    }),
    { numRuns: 200 },
  )
})
