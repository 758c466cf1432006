import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StringColumn } from '../model/block.ts'
import { Packer, Unpacker } from './packing.ts'
import { TextColumn } from './text-column.ts'

function columnOf(values: readonly (string | null)[]): StringColumn {
  const parts = values.map((v) => new TextEncoder().encode(v ?? ''))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i] + part.length
  })
  const bytes = Uint8Array.from(parts.flatMap((part) => [...part]))
  return { kind: 'string', bytes, offsets, nulls: Uint8Array.from(values, (v) => (v === null ? 1 : 0)) }
}

const empty = (rowsMax: number): TextColumn => new TextColumn(new Uint32Array(rowsMax), new Uint8Array(rowsMax))

function packed(column: TextColumn, rows: number): Uint8Array {
  const packer = new Packer()
  column.pack(packer, rows)
  return packer.finish()
}

function unpacked(bytes: Uint8Array, rows: number, rowsMax: number): TextColumn {
  const column = empty(rowsMax)
  column.unpack(new Unpacker(bytes), rows)
  return column
}

const few = fc.option(fc.constantFrom('', 'a', 'b', 'ab', 'ba', 'é'))
const many = fc.option(fc.string({ maxLength: 40 }))
const step = fc.record({
  gap: fc.nat({ max: 3 }),
  values: fc.oneof(fc.array(few, { maxLength: 100, size: 'max' }), fc.array(many, { maxLength: 100, size: 'max' })),
  pick: fc.integer({ min: 1, max: 3 }),
})

test('texts come back, packed or not, of few words or many; rows that nobody gave a value are null', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 8, size: 'max' }),
      fc.nat({ max: 2 }),
      fc.nat({ max: 8 }),
      (steps, tail, cut) => {
        let column = empty(1000)
        const model: (string | null)[] = []
        steps.forEach(({ gap, values, pick }, i) => {
          if (i === cut) column = unpacked(packed(column, model.length), model.length, 1000)
          for (let n = 0; n < gap; n++) model.push(null)
          const rows = Int32Array.from(values.keys()).filter((row) => row % pick === 0)
          const half = rows.length >> 1
          column.append(columnOf(values), rows, 0, half, model.length)
          column.append(columnOf(values), rows, half, rows.length, model.length + half)
          for (const row of rows) model.push(values[row])
        })
        for (let n = 0; n < tail; n++) model.push(null)
        column.fillTo(model.length)
        const back = unpacked(packed(column, model.length), model.length, model.length)
        for (const one of [column, back]) expect(model.map((_, row) => one.at(row))).toEqual(model)
      },
    ),
    { numRuns: 200 },
  )
})

test('up to 256 words are written once each', () => {
  const size = (words: number): number => {
    const column = empty(4096)
    const values = Array.from({ length: 4096 }, (_, i) => `a rather long text, number ${1000 + ((i >> 4) % words)}`)
    column.append(columnOf(values), Int32Array.from(values.keys()), 0, values.length, 0)
    const bytes = packed(column, 4096)
    expect(unpacked(bytes, 4096, 4096).at(4095)).toBe(values[4095])
    return bytes.length
  }
  expect(size(256)).toBeLessThan(256 * 40 + 4096 + 100)
  const column = empty(4096)
  const values = Array.from({ length: 257 }, (_, i) => `${i >> 1}`)
  values.push(...Array.from({ length: 200 }, (_, i) => `more ${i}`))
  column.append(columnOf(values), Int32Array.from(values.keys()), 0, values.length, 0)
  expect(values.map((_, row) => unpacked(packed(column, values.length), values.length, 4096).at(row))).toEqual(values)
})

test('U+FEFF at the beginning of a text is part of it', () => {
  const column = empty(1)
  column.append(columnOf(['\ufeffS1']), Int32Array.of(0), 0, 1, 0)
  expect(column.at(0)).toBe('\ufeffS1')
})
