import { BlockBuilder } from '../../model/block-builder.ts'
import { eventTimeMs } from '../../model/event-time.ts'
import type { FieldKind, Stream } from '../../model/stream.ts'

/** Puts records as people write them into the blocks of one stream. */
export class RowWriter {
  readonly stream: Stream
  readonly builder: BlockBuilder
  readonly #names: readonly string[]
  readonly #kinds: readonly FieldKind[]
  /** Fields of ints and longs. */
  readonly #whole: readonly boolean[]
  readonly #skipped: readonly boolean[]
  #nextOffset: number

  constructor(stream: Stream, sourceTopic: string, firstOffset: number) {
    this.stream = stream
    this.builder = new BlockBuilder(stream, sourceTopic, 0)
    this.#names = stream.fields.map((f) => f.name)
    this.#kinds = stream.fields.map((f) => f.kind)
    this.#whole = stream.fields.map((f) => f.kind === 'number' && f.scale === 0)
    this.#skipped = stream.fields.map((f) => f.name === stream.timeField || isTypeField(stream, f.name))
    this.#nextOffset = firstOffset
  }

  /** Epoch ms; NaN where the record has no time that can be read. */
  timeOf(record: Readonly<Record<string, unknown>>): number {
    return eventTimeMs(record[this.stream.timeField], this.stream.timeFormat)
  }

  timeProblem(record: Readonly<Record<string, unknown>>): string {
    const { timeField } = this.stream
    const time = record[timeField]
    const isMissing = time === undefined || time === null || time === ''
    return isMissing ? `no "${timeField}"` : `"${timeField}" is no time: ${shown(time)}`
  }

  /** Adds a row; or adds none and says what is wrong with it. */
  write(record: Readonly<Record<string, unknown>>, type: string, timeMs: number): string | null {
    const { builder } = this
    builder.begin(this.#nextOffset, timeMs, type)
    for (let i = 0; i < this.#names.length; i++) {
      if (this.#skipped[i]) continue
      const value = record[this.#names[i]!]
      if (value === null || value === undefined) continue
      if (!this.#set(i, value)) {
        builder.undo()
        const noun = this.#whole[i] ? 'whole number' : NOUNS[this.#kinds[i]!]
        return `"${this.#names[i]}" is no ${noun}: ${shown(value)}`
      }
    }
    this.#nextOffset += 1
    return null
  }

  #set(index: number, value: unknown): boolean {
    const { builder } = this
    switch (this.#kinds[index]!) {
      case 'string':
        if (typeof value === 'string') builder.string(index, value)
        else if (typeof value === 'number' || typeof value === 'boolean') builder.string(index, String(value))
        else return false
        return true
      case 'decimal':
        return (typeof value === 'number' || typeof value === 'string') && builder.decimalFrom(index, value)
      case 'boolean': {
        const flag = FLAGS.get(value)
        if (flag !== undefined) builder.number(index, flag)
        return flag !== undefined
      }
      case 'number': {
        const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
        if (typeof number !== 'number' || !Number.isFinite(number)) return false
        if (this.#whole[index] && !Number.isSafeInteger(number)) return false
        builder.number(index, number)
        return true
      }
    }
  }
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

function isTypeField(stream: Stream, name: string): boolean {
  return 'field' in stream.type && stream.type.field === name
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 60)
}
