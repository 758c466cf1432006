import type { Block } from './block.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import { readDoubles } from './column-codec.ts'
import { writeDoubles } from './column-writer.ts'
import type { Picked } from './picked.ts'

/*
 * Where the rows of a block come from: u32 partition, then offsets as a column of numbers; or, from several partitions,
 * u32 MANY, u32 partitions, their numbers and their first offsets as columns of numbers, then by row which of them it is,
 * and how much further on it is than the row before of the same partition, as columns of numbers.
 */
const MANY = 0xffff_ffff

/** What a block says of the places of its rows. */
export type Places = Pick<Block, 'sourcePartition' | 'rowPartitions' | 'offsets'>

export function writePlaces(out: ByteWriter, { blocks, which, rows, length }: Picked): void {
  const known = new Map<number, number>()
  const [first, next]: [number[], number[]] = [[], []]
  const codes = new Float64Array(length)
  const steps = new Float64Array(length)
  let [partition, code] = [-1, 0]
  for (let k = 0; k < length; k++) {
    const block = blocks[which[k]!]!
    const row = rows[k]!
    const offset = block.offsets[row]!
    const found = block.rowPartitions ? block.rowPartitions[row]! : block.sourcePartition
    if (found !== partition) {
      partition = found
      const before = known.get(partition)
      code = before ?? first.push(offset) - 1
      if (before === undefined) {
        known.set(partition, code)
        next.push(offset)
      }
    }
    codes[k] = code
    steps[k] = offset - next[code]!
    next[code] = offset
  }
  if (known.size > 1) {
    out.u32(MANY)
    out.u32(known.size)
    writeDoubles(out, Float64Array.from(known.keys()))
    writeDoubles(out, Float64Array.from(first))
    writeDoubles(out, codes)
    writeDoubles(out, steps)
    return
  }
  out.u32(known.size === 1 ? partition : blocks[0]!.sourcePartition)
  const offsets = Float64Array.from({ length }, (_, k) => blocks[which[k]!]!.offsets[rows[k]!]!)
  writeDoubles(out, offsets)
}

export function readPlaces(input: ByteReader, length: number): Places {
  const sourcePartition = input.u32()
  if (sourcePartition !== MANY) return { sourcePartition, offsets: numbers(readDoubles(input, length), length) }
  const count = input.sized(input.u32(), 16)
  const partitions = numbers(readDoubles(input, count), count)
  const next = Float64Array.from(numbers(readDoubles(input, count), count))
  const codes = numbers(readDoubles(input, length), length)
  const steps = numbers(readDoubles(input, length), length)
  const rowPartitions = new Uint32Array(input.sized(length, 12))
  const offsets = new Float64Array(length)
  for (let k = 0; k < length; k++) {
    const code = codes[k]!
    if (!Number.isInteger(code) || code < 0 || code >= count) throw new RangeError('a partition that is not listed')
    rowPartitions[k] = partitions[code]!
    offsets[k] = next[code]! += steps[k]!
  }
  return { sourcePartition: rowPartitions[0] ?? 0, rowPartitions, offsets }
}

/** A RangeError where they are not there, or one is none. */
export function numbers(values: Float64Array | null, count: number): Float64Array {
  if (!values && count > 0) throw new RangeError(`${count} numbers are missing`)
  if (values?.some((value) => !Number.isFinite(value))) throw new RangeError('a place or time that is no number')
  return values ?? new Float64Array(0)
}
