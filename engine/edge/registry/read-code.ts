import type avsc from 'avsc'
import { type DecimalParts, decimalFromBytes } from '../../kit/decimal.ts'
import { isUtf8 } from '../../kit/utf8.ts'
import { timeReaderOf } from '../../model/event-time.ts'
import type { Stream } from '../../model/stream.ts'
import { FAULT, faultAt } from './fault.ts'
import { digitsCode, lengthCode, NUMBER, numberCode, numbers, textOf } from './read-values.ts'
import type { Reader } from './reader.ts'
import { type AvroType, branchesOf, isBytes, isRecord, isUnion, isWhole, type Matched } from './schemas-matched.ts'
import { type Skip, skipOf } from './skip.ts'
import { longText } from './varint.ts'

/**
 * A reader of one writer's schema as one JavaScript function, from the record's bytes into the columns: no object and no
 * string on the way. Its text is made of our own words and numbers only; what schemas say (symbols, defaults) are values
 * that it is given. Null where there is no code for something: a union of several types beside null, or of records.
 */
export function generateReader(stream: Stream, matched: Matched): Reader | null {
  const { writer } = matched
  if (!isRecord(writer)) return null
  const read = new ReadCode(stream, matched).record(writer)
  return read && { names: writer.fields.map(({ name }) => name), read }
}

class ReadCode {
  readonly #stream: Stream
  readonly #matched: Matched
  readonly #skips: Skip[] = []
  /** Defaults, and the symbols of enums. */
  readonly #values: unknown[] = []
  readonly #columns = new Set<number>()

  constructor(stream: Stream, matched: Matched) {
    this.#stream = stream
    this.#matched = matched
  }

  record(writer: avsc.types.RecordType): Reader['read'] | null {
    const { reader, readersOf } = this.#matched
    const missing = new Set(reader.fields.keys())
    const lines: (string | null)[] = []
    for (const [i, field] of writer.fields.entries()) {
      const readers = readersOf(field)
      for (const r of readers) missing.delete(r)
      lines.push(this.#field(i, field.type, readers))
    }
    for (const r of missing) lines.push(this.#default(r, reader.fields[r].defaultValue()))
    return lines.includes(null) ? null : this.#compile(lines.join('\n'))
  }

  #compile(lines: string): Reader['read'] {
    const columns = [...this.#columns].map((r) => `const c${r} = builder.columns[${r}]`)
    const text = `return (source, at, end, builder, row, head) => { const { bytes, words } = source; let n = 0
${columns.join('\n')}
${lines}
return at === end ? 0 : ${FAULT.size} }`
    const timeOf = timeReaderOf(this.#stream)
    const given = { values: this.#values, skips: this.#skips, timeOf, textOf, isUtf8, longText, ...numbers }
    return new Function(...Object.keys(given), text)(...Object.values(given))
  }

  /** The writer's field `i`; `readers`: who takes its value, one after the other from the same place. */
  #field(i: number, type: AvroType, readers: readonly number[]): string | null {
    if (readers.length === 0) {
      if (type.typeName === 'null') return ''
      const s = this.#skips.push(skipOf(type)) - 1
      return `at = skips[${s}](bytes, at, end, 0); if (at < 0) return ${faultAt(i, 0)} - at`
    }
    const codes = readers.map((r) => this.#value(i, type, r))
    if (codes.includes(null)) return null
    return codes.length === 1 ? codes[0] : `const at${i} = at; ${codes.join(`\nat = at${i}; `)}`
  }

  #value(i: number, type: AvroType, reader: number): string | null {
    if (!isUnion(type)) return this.#bare(i, type, reader)
    const there = type.types.filter(({ typeName }) => typeName !== 'null')
    if (there.length > 1) return null
    const code = there.length === 0 ? '' : this.#bare(i, there[0], reader)
    if (code === null) return null
    const branches = type.types.map((branch, b) => `if (n === ${b}) { ${branch === there[0] ? code : ''} }`)
    return `${NUMBER}; ${branches.join(' else ')} else return ${faultAt(i, FAULT.branch)}`
  }

  #bare(i: number, type: AvroType, reader: number): string | null {
    const { name, kind } = this.#stream.fields[reader]
    if (type.typeName === 'null') return ''
    if (name === this.#stream.timeField) return this.#time(i, type, reader)
    if (kind === 'decimal') return this.#decimal(i, type, reader)
    const column = this.#column(reader)
    if (kind !== 'string') return numberCode(i, type, (n) => `${column}.set(row, ${n})`)
    if (isWhole(type)) return digitsCode(i, reader, (digits) => `${column}.set(row, ${digits})`)
    if (type.typeName === 'enum') return this.#symbol(i, type as avsc.types.EnumType, reader)
    if (!isBytes(type)) return null
    return `${lengthCode(i)}
if (!${column}.copyText(row, bytes, words, at, at + n)) return ${faultAt(i, FAULT.text)}
at += n`
  }

  #time(i: number, type: AvroType, reader: number): string | null {
    if (isWhole(type) && this.#stream.timeFormat === 'ns')
      return digitsCode(i, reader, (digits) => `head.timeMs = timeOf(${digits})`)
    if (!isBytes(type)) return numberCode(i, type, (n) => `head.timeMs = timeOf(${n})`)
    return `${lengthCode(i)}
if (!isUtf8(bytes, at, at + n)) return ${faultAt(i, FAULT.text)}
head.timeMs = timeOf(textOf(bytes, at, at + n))
at += n`
  }

  #decimal(i: number, type: AvroType, reader: number): string | null {
    const isFixed = type.typeName === 'fixed'
    if (!isFixed && !isBytes(type)) return null
    const size = isFixed ? `n = ${(type as avsc.types.FixedType).size}` : lengthCode(i)
    const scale = this.#matched.scaleOf(type) ?? this.#stream.fields[reader].scale
    const column = this.#column(reader)
    return `${size}
if (at + n <= end && !${column}.setBytes(row, bytes, at, at + n, ${scale})) head.unfit = ${reader}
at += n`
  }

  /** The writer's symbols as the reader's text; one that the reader does not know is its default. */
  #symbol(i: number, type: avsc.types.EnumType, reader: number): string | null {
    const known = enumOf(this.#matched.reader.fields[reader].type)
    if (!known) return null
    const texts = type.symbols.map((s) => Buffer.from(known.symbols.includes(s) ? s : String(known.default)))
    const v = this.#values.push(texts) - 1
    return `${NUMBER}; if (!(n >= 0 && n < ${texts.length})) return ${faultAt(i, FAULT.symbol)}
const t${reader} = values[${v}][n]
${this.#column(reader)}.setBytes(row, t${reader}, 0, t${reader}.length)`
  }

  /** What a field is where the writer has none. */
  #default(reader: number, value: unknown): string | null {
    const { name, kind } = this.#stream.fields[reader]
    if (name === this.#stream.timeField) return `head.timeMs = timeOf(values[${this.#values.push(value) - 1}])`
    if (value === null) return ''
    const column = this.#column(reader)
    if (kind === 'string') {
      const text = Buffer.from(value as string)
      return `${column}.setBytes(row, values[${this.#values.push(text) - 1}], 0, ${text.length})`
    }
    if (kind !== 'decimal') return `${column}.set(row, values[${this.#values.push(Number(value)) - 1}])`
    const bytes = value as Buffer
    const parts: DecimalParts = { high: 0, low: 0 }
    if (decimalFromBytes(bytes, 0, bytes.length, parts) !== 'ok') return null
    return `${column}.set(row, ${parts.high}, ${parts.low})`
  }

  #column(reader: number): string {
    this.#columns.add(reader)
    return `c${reader}`
  }
}

function enumOf(type: AvroType): (avsc.types.EnumType & { readonly default?: string }) | undefined {
  return branchesOf(type).find(({ typeName }) => typeName === 'enum') as avsc.types.EnumType | undefined
}
