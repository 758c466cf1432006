import type avsc from 'avsc'
import { type DecimalParts, decimalFromBytes } from '../../kit/decimal.ts'
import { isUtf8 } from '../../kit/utf8.ts'
import { timeReaderOf } from '../../model/event-time.ts'
import type { Stream } from '../../model/stream.ts'
import { FAULT, faultAt } from './fault.ts'
import { numbers, textOf } from './read-values.ts'
import type { Reader } from './reader.ts'
import { branchesOf, isRecord, isUnion, type Matched, type RecordType } from './schemas-matched.ts'
import { type Skip, skipOf } from './skip.ts'
import { ValueCode } from './value-code.ts'
import { cursor, readLong } from './varint.ts'

/**
 * A reader of one writer's schema as one JavaScript function, from the record's bytes into the columns: no object and no
 * string on the way. Its text is made of our own words and numbers only; what schemas say (symbols, defaults) are values
 * that it is given. Of a union of records there is one for each. Throws an Error that says why where no record of the
 * writer's can be read.
 */
export function generateReader(stream: Stream, matched: Matched): Reader {
  const { writer } = matched
  const readers = branchesOf(writer).map((branch) =>
    isRecord(branch) && matched.isOwn(branch) ? ofRecord(stream, matched, branch) : null,
  )
  const [only] = readers
  if (!isUnion(writer) && only) return only
  return {
    names: [],
    read: (source, start, end, builder, row, head) => {
      const reader = readers[readLong(source.bytes, start)]
      if (reader) return reader.read(source, cursor.at, end, builder, row, head)
      return reader === null ? FAULT.unread : FAULT.branch
    },
  }
}

function ofRecord(stream: Stream, matched: Matched, record: RecordType): Reader {
  return { names: record.fields.map(({ name }) => name), read: new ReadCode(stream, matched).record(record) }
}

class ReadCode {
  readonly #stream: Stream
  readonly #matched: Matched
  readonly #skips: Skip[] = []
  /** Defaults, and the symbols of enums. */
  readonly #values: unknown[] = []
  readonly #code: ValueCode

  constructor(stream: Stream, matched: Matched) {
    this.#stream = stream
    this.#matched = matched
    this.#code = new ValueCode(stream, matched, (value) => this.#given(value))
  }

  record(writer: avsc.types.RecordType): Reader['read'] {
    const { reader, readersOf } = this.#matched
    const missing = new Set(reader.fields.keys())
    const lines: string[] = []
    for (const [i, { type }] of writer.fields.entries()) {
      const readers = readersOf(writer.fields[i])
      for (const r of readers) missing.delete(r)
      if (readers.length > 0) lines.push(this.#field(i, type, readers))
      else if (type.typeName !== 'null') {
        const s = this.#skips.push(skipOf(type)) - 1
        lines.push(`at = skips[${s}](bytes, at, end, 0); if (at < 0) return ${faultAt(i, 0)} - at`)
      }
    }
    for (const r of missing) lines.push(this.#default(r))
    return this.#compile(lines.join('\n'))
  }

  #compile(lines: string): Reader['read'] {
    const columns = this.#stream.fields.map((_, r) => `const c${r} = builder.columns[${r}]`)
    const text = `return (source, at, end, builder, row, head) => { const { bytes, words } = source; let n = 0
${columns.filter((_, r) => lines.includes(`c${r}.`)).join('\n')}
${lines}
return at === end ? 0 : ${FAULT.size} }`
    const timeOf = timeReaderOf(this.#stream)
    const given = { values: this.#values, skips: this.#skips, timeOf, textOf, isUtf8, ...numbers }
    return new Function(...Object.keys(given), text)(...Object.values(given))
  }

  /** The writer's field `i`; `readers`: who takes its value, one after the other from the same place. */
  #field(i: number, type: avsc.Type, readers: readonly number[]): string {
    const codes = readers.map((r) => `{ ${this.#code.of(i, type, r)} }`)
    return codes.length === 1 ? codes[0] : `const at${i} = at; ${codes.join(`\nat = at${i}; `)}`
  }

  #given(value: unknown): string {
    return `values[${this.#values.push(value) - 1}]`
  }

  /** What a field is where the writer has none. Throws an Error where the stream has no default either. */
  #default(reader: number): string {
    const { name, kind } = this.#stream.fields[reader]
    const field = this.#matched.reader.fields[reader]
    const value: unknown = field.defaultValue()
    if (value === undefined) {
      const names = [name, ...field.aliases].map((n) => `"${n}"`).join(', ')
      throw new Error(`it has no field ${names}, and the stream's schema no default (or alias) for it`)
    }
    if (name === this.#stream.timeField) return `head.timeMs = timeOf(${this.#given(value)})`
    if (value === null) return ''
    if (kind === 'string') {
      const text = Buffer.from(value as string)
      return `c${reader}.setBytes(row, ${this.#given(text)}, 0, ${text.length})`
    }
    if (kind !== 'decimal') return `c${reader}.set(row, ${this.#given(Number(value))})`
    const bytes = value as Buffer
    const parts: DecimalParts = { high: 0, low: 0 }
    if (decimalFromBytes(bytes, 0, bytes.length, parts) !== 'ok') return `head.unfit = ${reader}`
    return `c${reader}.set(row, ${parts.high}, ${parts.low})`
  }
}
