import { FAULT, faultAt } from './fault.ts'
import type { AvroType } from './schemas-matched.ts'
import { cursor, readLong } from './varint.ts'

/** Code that reads an Avro int or long into `n`: in one byte nearly always. */
export const NUMBER =
  'n = bytes[at++]; if (n > 127) { n = readLong(bytes, at - 1); at = cursor.at } else n = n >> 1 ^ -(n & 1)'

/** What that code and that of `numberCode` calls. */
export const numbers = { readLong, cursor, readFloat, readDouble }

/** Code that reads field `i` and does with it what `use` makes of an expression; null where `type` is no number. */
export function numberCode(i: number, { typeName }: AvroType, use: (n: string) => string): string | null {
  switch (typeName) {
    case 'int':
      return `${NUMBER}; if (n !== (n | 0)) return ${faultAt(i, FAULT.number)}; ${use('n')}`
    case 'long':
      return `${NUMBER}; if (n !== n) return ${faultAt(i, FAULT.number)}; ${use('n')}`
    case 'float':
      return `${use('readFloat(bytes, at)')}; at += 4`
    case 'double':
      return `${use('readDouble(bytes, at)')}; at += 8`
    case 'boolean':
      return `${use('bytes[at] > 0 ? 1 : 0')}; at += 1`
    default:
      return null
  }
}

/** Code that reads an int or long of field `i` as its digits, all 64 bits; `reader` keeps its names apart from others'. */
export function digitsCode(i: number, reader: number, use: (digits: string) => string): string {
  return `const s${reader} = at; ${NUMBER}
const d${reader} = n === n ? String(n) : longText(bytes, s${reader}, at); if (d${reader} === null) return ${faultAt(i, FAULT.number)}
${use(`d${reader}`)}`
}

/** Code that reads a length into `n`: so many bytes from `at` on are within the record. */
export function lengthCode(i: number): string {
  return `${NUMBER}; if (!(n >= 0 && n <= end - at)) return ${faultAt(i, FAULT.length)}`
}

export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, start, end - start).toString()
}

const scratch = new Uint8Array(8)
const view = new DataView(scratch.buffer)

function readFloat(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 4; i++) scratch[i] = bytes[at + i]
  return view.getFloat32(0, true)
}

function readDouble(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) scratch[i] = bytes[at + i]
  return view.getFloat64(0, true)
}
