import { isWellFormed } from '../kit/encodings.ts'
import { numberFromText } from '../kit/number-text.ts'
import type { BlockBuilder } from './block-builder.ts'
import { shown } from './shown.ts'
import type { FieldKind, Stream } from './stream.ts'

/**
 * Puts the values of records as people write them (JSON, CSV, change data) into the columns of a stream's rows.
 *
 * text      a text, or a number or boolean as JSON prints it; no lone surrogates
 * number    a finite number, or a text of one (kit/number-text.ts); a field of ints or longs takes whole numbers up to 2^53
 * decimal   a number or a text that fits the field's 18 digits
 * boolean   true, false, 1, 0, or those as texts
 *
 * A field that a record does not have, or has as null, is null, and so is an empty id. The time field and the type field are left alone.
 */
export class RecordCells {
  readonly #names: readonly string[]
  readonly #kinds: readonly FieldKind[]
  /** Fields of ints and longs. */
  readonly #whole: readonly boolean[]
  readonly #skipped: readonly boolean[]
  /** -1: the stream has no ids. */
  readonly #id: number
  /** Names that every object has, such as `constructor`. */
  readonly #inherited: readonly boolean[]

  constructor(stream: Stream) {
    const { fields, timeField, type } = stream
    const typeField = 'field' in type ? type.field : null
    this.#names = fields.map((f) => f.name)
    this.#kinds = fields.map((f) => f.kind)
    this.#whole = fields.map((f) => f.kind === 'number' && f.scale === 0)
    this.#skipped = fields.map((f) => f.name === timeField || f.name === typeField)
    this.#id = fields.findIndex((f) => f.name === stream.idField)
    this.#inherited = fields.map((f) => f.name in Object.prototype)
  }

  /** Fills the row that was just begun. Null, or what is wrong with the record: then the row is to be taken back. */
  fill(record: Readonly<Record<string, unknown>>, builder: BlockBuilder): string | null {
    for (let i = 0; i < this.#names.length; i++) {
      if (this.#skipped[i]) continue
      const name = this.#names[i]!
      const value = this.#inherited[i] && !Object.hasOwn(record, name) ? undefined : record[name]
      if (value === null || value === undefined || this.#set(i, value, builder)) continue
      return `"${name}" ${this.#problem(i, value)}: ${shown(value)}`
    }
    return builder.tooLong
  }

  #problem(index: number, value: unknown): string {
    const kind = this.#kinds[index]!
    const number = typeof value === 'string' ? numberFromText(value) : value
    if (kind === 'number' && typeof number === 'number' && !Number.isNaN(number)) {
      if (!Number.isFinite(number)) return 'is beyond the largest number, 1.8e308'
      if (Number.isInteger(number)) return 'is beyond 2^53, up to which whole numbers are exact'
    }
    return `is no ${this.#whole[index] ? 'whole number' : NOUNS[kind]}`
  }

  #set(index: number, value: unknown, builder: BlockBuilder): boolean {
    switch (this.#kinds[index]!) {
      case 'string': {
        const text = textOf(value)
        if (text === null || !isWellFormed(text)) return false
        if (text !== '' || index !== this.#id) builder.string(index, text)
        return true
      }
      case 'decimal':
        return (typeof value === 'number' || typeof value === 'string') && builder.decimalFrom(index, value)
      case 'boolean': {
        const flag = FLAGS.get(value)
        if (flag !== undefined) builder.number(index, flag)
        return flag !== undefined
      }
      case 'number': {
        const number = typeof value === 'string' ? numberFromText(value) : value
        if (typeof number !== 'number' || !Number.isFinite(number)) return false
        if (this.#whole[index] && !Number.isSafeInteger(number)) return false
        builder.number(index, number)
        return true
      }
    }
  }
}

/** What a text field takes for a value; null where it takes none. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  return null
}

const FLAGS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [true, 1],
  [false, 0],
  [1, 1],
  [0, 0],
  ['true', 1],
  ['false', 0],
  ['1', 1],
  ['0', 0],
])

const NOUNS: Readonly<Record<FieldKind, string>> = {
  string: 'text',
  number: 'number',
  boolean: 'true or false',
  decimal: 'decimal that fits',
}
