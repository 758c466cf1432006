import { expect, test } from 'vitest'
import { counted, fnvCollisions } from '../kit/testing.ts'
import { Memory } from './memory.ts'
import { Packer } from './packing.ts'
import { hashPair } from './pair-counts.ts'
import { RecentIds } from './recent-ids.ts'
import { StringTable } from './string-table.ts'
import { TextColumn } from './text-column.ts'

const texts = fnvCollisions(12)
const HOME_SHIFT = 20

/** Places between where the entries of a table's pages stand and where their hash, word `hash` of each, would have them. */
function strayed(memory: Memory, part: number, { stride, flag, hash }: Record<'stride' | 'flag' | 'hash', number>) {
  let [steps, entries] = [0, 0]
  for (const saved of memory.begin(true).copy(Number.POSITIVE_INFINITY)) {
    if (saved.part !== part) continue
    const page = new Int32Array(saved.bytes.slice().buffer)
    const mask = page.length / stride - 1
    for (let at = 0; at < page.length; at += stride) {
      if (page[at + flag] === 0) continue
      entries++
      steps += (at / stride - (page[at + hash] >>> HOME_SHIFT)) & mask
    }
  }
  return { steps, entries }
}

test('texts chosen to collide stand where others would', () => {
  const memory = new Memory()
  const strings = new StringTable(memory)
  for (const text of texts) strings.intern(text, 0, text.length)
  const { steps, entries } = strayed(memory, 3, { stride: 2, flag: 0, hash: 1 })
  expect(entries).toBe(texts.length)
  expect(steps / entries).toBeLessThan(2)
})

test('ids chosen to collide, too', () => {
  const memory = new Memory()
  const recent = new RecentIds(memory, 1_000)
  for (const text of texts) expect(recent.add(text, 0, text.length, 0, 0)).toBe(true)
  const { steps, entries } = strayed(memory, 3, { stride: 4, flag: 3, hash: 0 })
  expect(entries).toBe(texts.length)
  expect(steps / entries).toBeLessThan(2)
})

test('pairs that collide under one key are nothing special under another', () => {
  const [known, other] = [Int32Array.of(1, 2), Int32Array.of(3, 4)]
  const placeOf = (slot: number, value: number, key: Int32Array): number => hashPair(slot, value, key) & 0x3ff
  const chosen: [number, number][] = []
  for (let slot = 0; slot < 1_000; slot++)
    for (let value = 0; value < 200; value++) if (placeOf(slot, value, known) === 0) chosen.push([slot, value])
  expect(chosen.length).toBeGreaterThan(100)
  expect(new Set(chosen.map((pair) => placeOf(...pair, other))).size).toBeGreaterThan(chosen.length * 0.7)
})

test('the words of a column that is packed are found in a few steps, whatever they are', () => {
  const words = texts.slice(0, 60)
  const rows = 4_000
  const ends = new Uint32Array(rows)
  const length = words[0].length
  const { bytes, reads } = counted(Uint8Array.from({ length: rows * length }, (_, i) => textByte(words, i, length)))
  const column = new TextColumn(ends, new Uint8Array(rows))
  column.adopt(bytes, rows)
  ends.forEach((_, row) => {
    ends[row] = (row + 1) * length
  })
  column.pack(new Packer(), rows)
  expect(reads() / bytes.length).toBeLessThan(6)
})

function textByte(words: readonly Uint8Array[], i: number, length: number): number {
  return words[Math.floor(i / length) % words.length][i % length]
}
