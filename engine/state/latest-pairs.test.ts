import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Budget } from './budget.ts'
import { LatestPairs } from './latest-pairs.ts'
import { Memory } from './memory.ts'
import { RowMarks } from './row-marks.ts'

const WINDOWS = [20, 7, 3] // the longest first

interface Event {
  readonly slot: number
  readonly value: number
  readonly timeMs: number
  readonly row: number
}

/** Distinct counts as a task keeps them: arrivals ask the pairs, departures the marks. */
class Counts {
  readonly memory = new Memory()
  readonly budget: Budget
  readonly marks: RowMarks
  readonly pairs: LatestPairs
  readonly kind: number
  readonly inside: Event[][] = WINDOWS.map(() => [])
  readonly counts: Map<number, number>[] = WINDOWS.map(() => new Map())
  refused = 0
  nowMs = 0

  constructor(max = Number.POSITIVE_INFINITY) {
    this.budget = new Budget(this.memory, max)
    this.marks = new RowMarks(this.memory)
    this.marks.addKind()
    this.kind = this.marks.addKind()
    this.pairs = new LatestPairs({ memory: this.memory, budget: this.budget, marks: this.marks, kind: this.kind })
  }

  advance(nowMs: number): void {
    this.nowMs = Math.max(this.nowMs, nowMs)
    WINDOWS.forEach((windowMs, w) => {
      const leaving = this.inside[w].filter((e) => e.timeMs <= this.nowMs - windowMs)
      this.inside[w] = this.inside[w].filter((e) => e.timeMs > this.nowMs - windowMs)
      for (const { row, slot } of leaving) {
        if (this.marks.has(row, this.kind)) continue
        this.#add(w, slot, -1)
        if (w === 0) this.budget.used--
      }
    })
  }

  arrive(event: Event): void {
    this.advance(event.timeMs)
    this.marks.grow(event.row + 1)
    const { slot, value, timeMs, row } = event
    if (timeMs <= this.nowMs - WINDOWS[0]) return
    const sinceMs = this.pairs.arrive(slot, value, timeMs, row, this.nowMs - WINDOWS[0])
    if (Number.isNaN(sinceMs)) this.refused++
    WINDOWS.forEach((windowMs, w) => {
      if (timeMs <= this.nowMs - windowMs) return
      this.inside[w].push(event)
      if (sinceMs <= this.nowMs - windowMs) this.#add(w, slot, 1)
    })
  }

  #add(w: number, slot: number, n: number): void {
    this.counts[w].set(slot, (this.counts[w].get(slot) ?? 0) + n)
  }
}

function naive(events: readonly Event[], slot: number, nowMs: number, windowMs: number): number {
  return new Set(events.filter((e) => e.slot === slot && e.timeMs > nowMs - windowMs).map((e) => e.value)).size
}

const arrivals = fc.array(
  fc.record({ slot: fc.nat(1), value: fc.nat(3), stepMs: fc.nat(4), lateMs: fc.oneof(fc.constant(0), fc.nat(30)) }),
  { maxLength: 100, size: 'max' },
)

test('distinct values in windows of any length, with late events and equal times, are those of a fresh count', () => {
  fc.assert(
    fc.property(arrivals, fc.constantFrom(0, 0x7fff_fff0, 0xffff_fff0, 2 ** 40), (steps, firstRow) => {
      const all = new Counts()
      all.marks.trim(Math.floor(firstRow / 4096) * 4096)
      const events: Event[] = []
      let nowMs = 2 ** 33
      steps.forEach(({ slot, value, stepMs, lateMs }, i) => {
        nowMs += stepMs
        const event = { slot, value, timeMs: nowMs - lateMs, row: firstRow + i }
        all.arrive(event)
        events.push(event)
        for (const s of [0, 1])
          WINDOWS.forEach((windowMs, w) => {
            expect(all.counts[w].get(s) ?? 0).toBe(naive(events, s, all.nowMs, windowMs))
          })
        const pairs = [0, 1].reduce((sum, s) => sum + naive(events, s, all.nowMs, WINDOWS[0]), 0)
        expect(all.budget.used).toBe(pairs)
      })
      all.advance(nowMs + 100)
      expect(all.budget.used).toBe(0)
    }),
    { numRuns: 300 },
  )
})

test('the origin of times moves on with the windows: after weeks and months all is as it was', () => {
  const all = new Counts()
  const step = 0xffff_ffff - 15
  let row = 0
  for (let i = 0; i < 5; i++) {
    const events: Event[] = []
    for (const [value, ms] of [
      [1, 0],
      [2, 5],
      [1, 10],
      [3, 15],
      [2, 19],
      [2, 22],
    ]) {
      const event = { slot: 0, value, timeMs: 1_000 + i * step + ms, row: row++ }
      all.arrive(event)
      events.push(event)
      const counts = WINDOWS.map((windowMs) => naive(events, 0, all.nowMs, windowMs))
      expect(all.counts.map((c) => c.get(0))).toEqual(counts)
    }
  }
})

test('a pair that has no room is refused, and counts nothing as it leaves', () => {
  const all = new Counts(2)
  for (const value of [1, 2, 3]) all.arrive({ slot: 0, value, timeMs: value, row: value })
  expect([all.refused, all.counts[0].get(0)]).toEqual([1, 2])
  all.advance(21) // value 1 has left: there is room again
  all.arrive({ slot: 0, value: 3, timeMs: 21, row: 4 })
  expect([all.refused, all.counts[0].get(0)]).toEqual([1, 2])
  all.advance(100)
  expect([all.counts.map((c) => c.get(0)), all.budget.used]).toEqual([[0, 0, 0], 0])
})

test('entries whose events have left make room: memory does not grow with time', () => {
  const all = new Counts()
  const bytes = (): number => {
    const pass = all.memory.begin(true)
    const size = pass.copy(Number.POSITIVE_INFINITY).reduce((sum, page) => sum + page.bytes.length, 0)
    pass.copy(1)
    return size
  }
  const play = (from: number, to: number): void => {
    for (let row = from; row < to; row++) {
      all.arrive({ slot: row % 97, value: row, timeMs: Math.floor(row / 20), row })
      if (row % 4096 === 0) all.marks.trim(Math.max(0, row - 8192))
    }
  }
  play(0, 10_000)
  const before = bytes()
  play(10_000, 80_000)
  expect(bytes()).toBeLessThan(before * 1.5)
})

test('a loaded snapshot goes on as if nothing had been', () => {
  const before = new Counts()
  const events = Array.from({ length: 9_000 }, (_, row) => ({
    slot: row % 3,
    value: (row * 7919) % 400,
    timeMs: Math.floor(row / 60),
    row,
  }))
  for (const event of events.slice(0, 5_000)) before.arrive(event)
  const pass = before.memory.begin(true)
  const pages = pass.copy(Number.POSITIVE_INFINITY)
  const after = new Counts()
  after.memory.load(JSON.parse(JSON.stringify(pass.roots)), pages)
  after.nowMs = before.nowMs
  before.inside.forEach((inside, w) => {
    after.inside[w] = [...inside]
    for (const [slot, n] of before.counts[w]) after.counts[w].set(slot, n)
  })
  for (const event of events.slice(5_000)) for (const counts of [before, after]) counts.arrive(event)
  expect([after.counts, after.budget.used]).toEqual([before.counts, before.budget.used])
})
