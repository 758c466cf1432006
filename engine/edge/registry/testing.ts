import fc from 'fast-check'

/** A field of one or both of two schemas, and what the writer's may hold. */
export interface FieldCase {
  readonly writer: { readonly type: unknown; readonly value: fc.Arbitrary<unknown> } | null
  readonly reader: { readonly type: unknown; readonly default?: unknown } | null
  readonly isAliased: boolean
}

/** How the writer's type, and its values, become one of the reader's: both without null. */
interface Core {
  readonly written: unknown
  readonly read: unknown
  readonly value: fc.Arbitrary<unknown>
  /** What a reader's default may be, as schemas have it. */
  readonly standard: unknown
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ maxLength: 12 }))
const int = fc.oneof(fc.integer(), fc.integer({ min: -70, max: 70 }))
/** avsc cannot read what is below -2^52. */
const long = fc
  .oneof(int, fc.maxSafeInteger(), fc.constantFrom(2 ** 53 - 2, -(2 ** 52), 2 ** 31, -(2 ** 31) - 1))
  .map((n) => Math.min(Math.max(n, -(2 ** 52)), 2 ** 53 - 2))
const double = fc.double()
const float = fc.float()
const bytes = (length: fc.ArrayConstraints) => fc.uint8Array(length).map((b) => Buffer.from(b))
const decimal = fc.oneof(bytes({ maxLength: 9 }), bytes({ maxLength: 3 }), fc.constant(Buffer.alloc(0)))
const scale = fc.nat(6)

/** `name` makes the names of types differ from field to field. */
function core(name: string): fc.Arbitrary<Core> {
  const plain = (written: unknown, read: unknown, value: fc.Arbitrary<unknown>, standard: unknown) =>
    fc.constant({ written, read, value, standard })
  const decimalOf = (of: object, s: number) => ({ ...of, logicalType: 'decimal', precision: 18, scale: s })
  const fixed = fc.tuple(fc.integer({ min: 1, max: 10 }), scale, scale).map(([size, from, to]) => ({
    written: decimalOf({ type: 'fixed', name: `Fixed${name}`, size }, from),
    read: decimalOf({ type: 'fixed', name: `Fixed${name}`, size }, to),
    value: fc.oneof(
      bytes({ minLength: size, maxLength: size }),
      fc.integer({ min: -1, max: 0 }).map((b) => Buffer.alloc(size, b)),
    ),
    standard: '\u0000'.repeat(size),
  }))
  const scaled = fc.tuple(scale, scale, fc.constantFrom('decimal', 'bytes')).map(([from, to, how]) => ({
    written: how === 'decimal' ? decimalOf({ type: 'bytes' }, from) : how,
    read: decimalOf({ type: 'bytes' }, to),
    value: decimal,
    standard: '\u0001\u00ff',
  }))
  const symbols = fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D', 'E'), { minLength: 1 })
  const anEnum = fc.tuple(symbols, symbols, fc.boolean()).map(([some, others, isOpen]) => {
    const all = isOpen ? others : [...new Set([...others, ...some])]
    const type = { type: 'enum', name: `Enum${name}` }
    return {
      written: { ...type, symbols: some },
      read: { ...type, symbols: all, default: all[0] },
      value: fc.constantFrom(...some),
      standard: all[0],
    }
  })
  return fc.oneof(
    plain('string', 'string', text, 'é'),
    plain('bytes', 'string', bytes({ maxLength: 12 }), 'é'),
    ...['int', 'long', 'float', 'double'].map((read) => plain('int', read, int, 7)),
    ...['long', 'float', 'double'].map((read) => plain('long', read, long, -300)),
    plain('float', 'double', float, 0.5),
    plain('double', 'double', double, -0.5),
    plain('boolean', 'boolean', fc.boolean(), true),
    fixed,
    scaled,
    anEnum,
  )
}

const NULLS = ['never', 'first', 'last', 'alone'] as const

function inUnion(type: unknown, nulls: (typeof NULLS)[number]): unknown {
  if (nulls === 'never') return type
  return nulls === 'first' ? ['null', type] : nulls === 'last' ? [type, 'null'] : [type]
}

export function fieldCase(name: string): fc.Arbitrary<FieldCase> {
  const nulls = fc.constantFrom(...NULLS)
  const both = fc
    .tuple(core(name), nulls, nulls, fc.boolean(), fc.boolean())
    .map(([{ written, read, value, standard }, w, r, isAliased, hasDefault]): FieldCase => {
      const mayBeNull = w === 'first' || w === 'last'
      const readNulls = mayBeNull && (r === 'never' || r === 'alone') ? 'first' : r
      return {
        writer: { type: inUnion(written, w), value: mayBeNull ? fc.option(value) : value },
        reader: {
          type: inUnion(read, readNulls),
          ...(hasDefault && { default: readNulls === 'first' ? null : standard }),
        },
        isAliased,
      }
    })
  const readerOnly = fc.tuple(core(name), nulls).map(
    ([{ read, standard }, r]): FieldCase => ({
      writer: null,
      reader: { type: inUnion(read, r), default: r === 'first' ? null : standard },
      isAliased: false,
    }),
  )
  const writerOnly = skipped(name).map((writer): FieldCase => ({ writer, reader: null, isAliased: false }))
  return fc.oneof({ weight: 4, arbitrary: both }, readerOnly, writerOnly)
}

interface Skipped {
  readonly type: unknown
  readonly value: fc.Arbitrary<unknown>
}

/** Any type, nested and recursive ones included. */
function skipped(name: string): fc.Arbitrary<Skipped> {
  let names = 0
  const next = () => `Skipped${name}${names++}`
  const leaf: fc.Arbitrary<Skipped> = fc.constantFrom<Skipped>(
    { type: 'null', value: fc.constant(null) },
    { type: 'boolean', value: fc.boolean() },
    { type: 'int', value: int },
    { type: 'long', value: long },
    { type: 'float', value: float },
    { type: 'double', value: double },
    { type: 'string', value: text },
    { type: 'bytes', value: bytes({ maxLength: 20 }) },
  )
  const list = fc.constant(0).map((): Skipped => {
    const type = next()
    const values = fc.letrec((tie) => ({
      list: fc.record({ n: int, next: fc.option(tie('list'), { maxDepth: 4 }) }),
    })).list
    const fields = [
      { name: 'n', type: 'int' },
      { name: 'next', type: ['null', type] },
    ]
    return { type: { type: 'record', name: type, fields }, value: values }
  })
  return fc.letrec<{ any: Skipped }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      list,
      fc.constant(0).map(() => ({
        type: { type: 'enum', name: next(), symbols: ['X', 'Y'] },
        value: fc.constantFrom('X', 'Y'),
      })),
      fc.nat(3).map((size) => ({
        type: { type: 'fixed', name: next(), size },
        value: bytes({ minLength: size, maxLength: size }),
      })),
      tie('any').map(({ type, value }) => ({ type: { type: 'array', items: type }, value: fc.array(value, ARRAY) })),
      tie('any').map(({ type, value }) => ({
        type: { type: 'map', values: type },
        value: fc.dictionary(fc.string({ maxLength: 3 }), value, { maxKeys: 3 }),
      })),
      fc.array(tie('any'), { maxLength: 3 }).map((parts) => ({
        type: { type: 'record', name: next(), fields: parts.map(({ type }, i) => ({ name: `p${i}`, type })) },
        value: fc.record(Object.fromEntries(parts.map(({ value }, i) => [`p${i}`, value]))),
      })),
      tie('any')
        .filter(({ type }) => type !== 'null' && !Array.isArray(type))
        .map(({ type, value }) => ({ type: ['null', type], value: fc.option(value) })),
    ),
  })).any
}

const ARRAY = { maxLength: 5, size: 'max' } as const
