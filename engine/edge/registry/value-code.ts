import type avsc from 'avsc'
import type { Stream } from '../../model/stream.ts'
import { FAULT, faultAt } from './fault.ts'
import { lengthCode, NUMBER, numberCode } from './read-values.ts'
import { type AvroType, branchesOf, isBytes, isUnion, type Matched } from './schemas-matched.ts'
import { scaleBetween, unitOf } from './time-units.ts'

/** Which numbers a field of the stream takes: Avro's promotions. */
const PROMOTED: Readonly<Record<string, readonly string[]>> = {
  int: ['int'],
  long: ['int', 'long'],
  float: ['int', 'long', 'float'],
  double: ['int', 'long', 'float', 'double'],
  boolean: ['boolean'],
}
const NUMBERS = ['int', 'long', 'float', 'double']

/** Code for one value, or why no value of that type can be read. */
type Code = { readonly code: string } | { readonly why: string }

/**
 * Code that reads one field of a writer's records into one column of a stream. Beside Avro's own rules it reads
 *
 *   text into a decimal     by its digits, not as bytes
 *   int, long into text     their digits, all 64 bits
 *   enum into text          its symbol; text into an enum: as it is
 *   a time                  by the unit of the writer's logical type, where the stream's is another
 */
export class ValueCode {
  readonly #stream: Stream
  readonly #matched: Matched
  /** The expression that gives a value to the code that is made. */
  readonly #given: (value: unknown) => string

  constructor(stream: Stream, matched: Matched, given: (value: unknown) => string) {
    this.#stream = stream
    this.#matched = matched
    this.#given = given
  }

  /** Of the writer's field `i`. Throws an Error that says why where no value of `type` can be read. */
  of(i: number, type: AvroType, reader: number): string {
    if (!isUnion(type)) return this.#must(reader, type, this.#bare(i, type, reader))
    const codes = type.types.map((branch) => this.#bare(i, branch, reader))
    const isReadable = codes.some((made, b) => 'code' in made && type.types[b].typeName !== 'null')
    if (!isReadable && !type.types.every(({ typeName }) => typeName === 'null')) {
      const worst = codes.findIndex((made) => 'why' in made)
      this.#must(reader, type.types[worst], codes[worst])
    }
    const branches = codes.map((made, b) => {
      return `if (n === ${b}) { ${'code' in made ? made.code : `return ${faultAt(i, FAULT.unread)}`} }`
    })
    return `${NUMBER}; ${branches.join(' else ')} else return ${faultAt(i, FAULT.branch)}`
  }

  #must(reader: number, type: AvroType, made: Code): string {
    if ('code' in made) return made.code
    throw new Error(`field "${this.#stream.fields[reader].name}": ${typeText(type, this.#matched)} ${made.why}`)
  }

  #bare(i: number, type: AvroType, reader: number): Code {
    const { name, kind } = this.#stream.fields[reader]
    const own = branchesOf(this.#matched.reader.fields[reader].type)
    if (type.typeName === 'null')
      return own.some(({ typeName }) => typeName === 'null')
        ? { code: '' }
        : { why: 'is not allowed in the stream’s schema' }
    if (name === this.#stream.timeField) return this.#time(i, type, reader)
    if (kind === 'decimal') return this.#decimal(i, type, reader)
    return kind === 'string' ? this.#text(i, type, reader) : this.#number(i, type, reader)
  }

  #number(i: number, type: AvroType, reader: number): Code {
    const own = this.#plainType(reader)
    if (!PROMOTED[own.typeName]?.includes(type.typeName))
      return { why: `cannot be read as ${typeText(own, this.#matched)}` }
    const scale = scaleBetween(unitOf(this.#matched.logicalOf(type)), unitOf(this.#matched.logicalOf(own)))
    return { code: numberCode(i, type, (n) => `c${reader}.set(row, ${scale === null ? n : scale(n)})`)! }
  }

  #text(i: number, type: AvroType, reader: number): Code {
    if (type.typeName === 'enum') return this.#symbol(i, type as avsc.types.EnumType, reader)
    if (type.typeName === 'int' || type.typeName === 'long')
      return this.#digits(i, (digits) => `c${reader}.set(row, ${digits})`)
    if (!isBytes(type) || this.#matched.logicalOf(type) === 'decimal') return { why: 'cannot be read as text' }
    return {
      code: `${lengthCode(i)}
if (!c${reader}.copyText(row, bytes, words, at, at + n)) return ${faultAt(i, FAULT.text)}
at += n`,
    }
  }

  /** All 64 bits of a whole number. */
  #digits(i: number, use: (digits: string) => string): Code {
    return {
      code: `const d${i} = longText(bytes, at); if (d${i} === null) return ${faultAt(i, FAULT.number)}
at = cursor.at; ${use(`d${i}`)}`,
    }
  }

  #time(i: number, type: AvroType, reader: number): Code {
    const written = unitOf(this.#matched.logicalOf(type))
    if (
      NUMBERS.includes(type.typeName) &&
      written &&
      written !== unitOf(this.#matched.logicalOf(this.#plainType(reader)))
    )
      return { code: `head.timeMs = readMs(bytes, at, ${written.ms}, ${written.per}); at = cursor.at` }
    if (type.typeName === 'long' && this.#stream.timeFormat === 'ns')
      return this.#digits(i, (digits) => `head.timeMs = timeOf(${digits})`) // a double does not hold them
    if (NUMBERS.includes(type.typeName)) return { code: numberCode(i, type, (n) => `head.timeMs = timeOf(${n})`)! }
    if (!isBytes(type) || this.#matched.logicalOf(type) === 'decimal') return { why: 'cannot be read as a time' }
    return {
      code: `${lengthCode(i)}
if (!isUtf8(bytes, at, at + n)) return ${faultAt(i, FAULT.text)}
head.timeMs = timeOf(textOf(bytes, at, at + n))
at += n`,
    }
  }

  #decimal(i: number, type: AvroType, reader: number): Code {
    if (type.typeName === 'string')
      return {
        code: `${lengthCode(i)}
if (!c${reader}.setFrom(row, textOf(bytes, at, at + n))) head.unfit = ${reader}
at += n`,
      }
    const isFixed = type.typeName === 'fixed'
    if (!isFixed && !isBytes(type))
      return { why: 'cannot be read as a decimal: it does not say how many digits are behind the point' }
    const size = isFixed ? `n = ${(type as avsc.types.FixedType).size}` : lengthCode(i)
    const scale = this.#matched.scaleOf(type) ?? this.#stream.fields[reader].scale
    return {
      code: `${size}
if (at + n <= end && !c${reader}.setBytes(row, bytes, at, at + n, ${scale})) head.unfit = ${reader}
at += n`,
    }
  }

  /** The writer's symbols as text. One that an enum of the stream does not know is its default, or a fault. */
  #symbol(i: number, type: avsc.types.EnumType, reader: number): Code {
    const own = this.#plainType(reader) as avsc.types.EnumType & { readonly default?: string }
    const textOf = (symbol: string) => (own.typeName !== 'enum' || own.symbols.includes(symbol) ? symbol : own.default)
    const texts = type.symbols.map((symbol) => {
      const text = textOf(symbol)
      return text === undefined ? null : Buffer.from(text)
    })
    return {
      code: `${NUMBER}; if (!(n >= 0 && n < ${texts.length})) return ${faultAt(i, FAULT.symbol)}
const t${i} = ${this.#given(texts)}[n]; if (t${i} === null) return ${faultAt(i, FAULT.symbol)}
c${reader}.setBytes(row, t${i}, 0, t${i}.length)`,
    }
  }

  /** The one type beside null of a field of the stream. */
  #plainType(reader: number): AvroType {
    const branches = branchesOf(this.#matched.reader.fields[reader].type)
    return branches.find(({ typeName }) => typeName !== 'null') ?? branches[0]
  }
}

function typeText(type: AvroType, matched: Matched): string {
  const logical = matched.logicalOf(type)
  return logical === undefined ? type.typeName : `${type.typeName} with ${logical}`
}
