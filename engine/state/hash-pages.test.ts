import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { PairCounts } from './pair-counts.ts'
import { StringTable } from './string-table.ts'
import { TupleMap } from './tuple-map.ts'

function build() {
  const memory = new Memory()
  const strings = new StringTable(memory)
  const tuples = new TupleMap(memory, 2)
  const pairs = new PairCounts(memory, false)
  const idOf = (i: number): number => {
    tuples.probe.set([i, i >> 3])
    return tuples.findOrAdd()
  }
  return { memory, strings, tuples, pairs, idOf }
}

test('tables that were loaded find what was there, and grow and shrink on', () => {
  const before = build()
  const text = (i: number): string => `${i} ${'x'.repeat(i % 300)}`
  for (let i = 0; i < 20_000; i++) {
    expect(before.strings.internText(text(i))).toBe(i)
    before.idOf(i)
    before.pairs.add(i >> 2, i, i + 1)
  }
  for (let i = 0; i < 20_000; i += 2) {
    before.strings.release(i)
    before.tuples.remove(i)
    before.pairs.add(i >> 2, i, -i - 1)
  }
  const pass = before.memory.begin(true)
  const pages = pass.copy(Number.POSITIVE_INFINITY)
  const after = build()
  after.memory.load(JSON.parse(JSON.stringify(pass.roots)), pages)
  for (const { strings, tuples, pairs, idOf } of [after, before]) {
    expect([strings.live, tuples.size, pairs.size]).toEqual([10_000, 10_000, 10_000])
    for (let i = 1; i < 20_000; i += 2) {
      if (i % 101 === 0) expect(strings.value(i)).toBe(text(i))
      if (strings.internText(text(i)) !== i || idOf(i) !== i || pairs.add(i >> 2, i, 0) !== i + 1) expect(i).toBe(-1)
    }
  }
  for (let i = 20_000; i < 60_000; i++) {
    const same = [after, before].map(({ strings, pairs, idOf }) => [
      strings.internText(text(i)),
      idOf(i),
      pairs.add(i, i, 1),
    ])
    if (String(same[0]) !== String(same[1])) expect(same[0]).toEqual(same[1])
  }
})

test('strings of any length: a cell is used again, by strings of its size', () => {
  const memory = new Memory()
  const strings = new StringTable(memory)
  const lengths = [0, 1, 8, 9, 255, 256, 257, 1_000, 16_384, 16_385, 100_000]
  let first = 0
  for (let round = 0; round < 50; round++) {
    const codes = lengths.map((n) => strings.internText(String.fromCharCode(97 + (round % 26)).repeat(n)))
    codes.forEach((code, i) => {
      expect(strings.value(code)).toBe(String.fromCharCode(97 + (round % 26)).repeat(lengths[i]))
      strings.release(code)
    })
    const pass = memory.begin(true)
    const size = pass.copy(Number.POSITIVE_INFINITY).reduce((sum, p) => sum + p.bytes.length, 0)
    pass.copy(1)
    if (round === 0) first = size
    else expect(size).toBe(first)
  }
})

test('short strings share pages', () => {
  const memory = new Memory()
  const strings = new StringTable(memory)
  for (let i = 0; i < 10_000; i++) strings.internText(`${i}`.padStart(16))
  const bytes = memory.begin(true).copy(Number.POSITIVE_INFINITY)
  expect(bytes.reduce((sum, page) => sum + page.bytes.length, 0)).toBeLessThan(10_000 * (38 + 16))
})
