import type { NumberForm } from '../../model/mapping.ts'
import { type Draft, type DraftField, type DraftType, rowsText } from './draft.ts'
import type { Kind } from './kinds.ts'

/** What is known of the source beside its records. */
export interface Source {
  readonly name: string
  /** `1,000 rows, all of it`. */
  readonly sample: string
  readonly rows: number
  readonly encoding: string | null
  readonly encodingDoubt: string | null
  /** Null: it is not CSV. */
  readonly delimiter: string | null
  /** Null: it is a file. `brokers`: those that the configuration shall name. */
  readonly topic: { readonly topic: string; readonly brokers: readonly string[] | null } | null
  readonly isChinese: boolean
}

/** The Avro schema of a draft, as JSON. */
export function schemaText(stream: string, { fields, time }: Draft, source: Source): string {
  const avro = {
    type: 'record',
    name: stream.replace(/(^|_)([a-z0-9])/g, (_, __, letter: string) => letter.toUpperCase()),
    doc: `As inferred from ${source.name}`,
    fields: kept(fields).map((f) => {
      const type = avroType(f.kind)
      if (f === time.field) return { name: f.field, type, doc: f.column.name }
      return { name: f.field, type: ['null', type], default: null, doc: f.column.name }
    }),
  }
  return `${JSON.stringify(avro, null, 2)}\n`
}

/** The configuration with one stream. What was assumed stands behind it, with a question mark. */
export function configText(stream: string, schema: string, draft: Draft, source: Source): string {
  const { time, id, type, fields, flags, nulls } = draft
  const lines = [
    line('schema', scalar(schema)),
    ...(source.topic === null
      ? [line('topic', stream, 'on Kafka; files do not need it')]
      : [line('topic', source.topic.topic), line('format', 'json')]),
    ...(source.encoding === null ? [] : [line('encoding', source.encoding, guess(source.encodingDoubt))]),
    ...(source.delimiter === null || source.delimiter === ',' ? [] : [line('delimiter', scalar(source.delimiter))]),
    line('time', time.field.field, timeNote(draft, source.rows)),
    line('time_format', scalar(time.form.format), guess(time.form.doubt)),
    ...(time.form.needsZone ? [zoneLine(source.isChinese)] : []),
    id
      ? line('id', id.field.field, guess(id.doubt))
      : line('id', 'null', guess('no column names each row: its place in the file does')),
    ...typeLines(type, source.rows),
    ...numberLines(draft.numbers, draft.numbersDoubt),
    ...wordLines('true_words', flags.yes),
    ...wordLines('false_words', flags.no),
    ...wordLines('null_words', nulls, 'they count in all columns'),
    ...columnLines(fields),
  ]
  return `# From ${oneLine(source.name)}: ${source.sample}. What is behind a question mark is a guess: look at it.
${logText(source)}streams:
  ${stream}:
${lines.map((text) => `    ${text}`).join('\n')}
`
}

function logText({ topic }: Source): string {
  const brokers = topic?.brokers?.map((broker) => `'${broker}'`).join(', ')
  return brokers === undefined ? '' : `log: { kind: kafka, brokers: [${brokers}] }\n`
}

function line(key: string, value: string, comment: string | null = null): string {
  return `${key}: ${value}${comment === null ? '' : ` # ${comment}`}`
}

function guess(doubt: string | null): string | null {
  return doubt === null ? null : `? ${doubt}`
}

function timeNote({ time }: Draft, rows: number): string | null {
  const lacking = rows - time.field.column.values.length
  const notes = [
    ...(lacking > 0 ? [`none in ${rowsText(lacking)}: malformed`] : []),
    ...(time.others.length > 0
      ? [`not ${time.others.map((f) => `${oneLine(f.column.name)} (${f.field})`).join(', ')}`]
      : []),
  ]
  return notes.length === 0 ? null : `? ${notes.join('; ')}`
}

function zoneLine(isChinese: boolean): string {
  const zone = isChinese ? 'Asia/Shanghai' : 'UTC'
  return line('zone', zone, `? the times say no zone${isChinese ? ', the words are Chinese' : ''}`)
}

function typeLines(type: DraftType, rows: number): string[] {
  if ('fixed' in type)
    return [line('type', `{ fixed: ${type.fixed} }`, '? no column says what happened: each row is one of these')]
  const lacking = rows - type.field.column.values.length
  const none = lacking > 0 ? `? none in ${rowsText(lacking)}: malformed` : null
  if ('types' in type) return [line('type', type.field.field, none), line('types', `[${type.types.join(', ')}]`)]
  const how = '? it says how a record stands now, not what happened at the time above'
  return [
    line('type', type.field.field, none ?? how),
    'values: # other words than these are malformed',
    ...type.words.map(({ word, rows, type, doubt }) =>
      line(`  ${scalar(word)}`, type, `${doubt === null ? '' : `? ${doubt}; `}${rowsText(rows)}`),
    ),
  ]
}

function numberLines(numbers: NumberForm | null, doubt: string | null): string[] {
  if (!numbers) return doubt === null ? [] : [`# numbers: ? ${doubt}`]
  const keys = Object.entries(numbers).filter(([key, value]) => value !== '' && !(key === 'decimal' && value === '.'))
  return [
    line('numbers', `{ ${keys.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(', ')} }`, guess(doubt)),
  ]
}

function wordLines(key: string, words: readonly string[], comment: string | null = null): string[] {
  return words.length === 0 ? [] : [line(key, `[${words.map((word) => JSON.stringify(word)).join(', ')}]`, comment)]
}

/** Those that have the name of their field need no mapping: what they are stands in a comment. */
function columnLines(fields: readonly DraftField[]): string[] {
  const lines = fields.map((f) => {
    const note = `${f.doubt === null ? '' : `? ${f.doubt}; `}${kindText(f.kind)}`
    if (f.kind.is === 'nested') return `  # ${oneLine(f.column.name)}: lists and objects are passed over`
    if (f.column.name === f.field) return `  # ${f.field}: ${note}`
    return line(`  ${scalar(f.column.name)}`, f.field, note)
  })
  const isMapped = fields.some((f) => f.kind.is !== 'nested' && f.column.name !== f.field)
  return [isMapped ? 'columns:' : '# fields:', ...lines]
}

function kindText(kind: Kind): string {
  if (kind.is === 'decimal') return `decimal, ${kind.scale} digits behind the point`
  if (kind.is === 'boolean') return `true or false: ${kind.words.join(', ')}`
  if (kind.is === 'time') return kind.form.written === 'text' ? 'time, as text' : 'time, as number'
  return kind.is === 'whole' ? 'whole number' : kind.is === 'double' ? 'number' : 'text'
}

function kept(fields: readonly DraftField[]): readonly DraftField[] {
  return fields.filter(({ kind }) => kind.is !== 'nested')
}

function avroType(kind: Kind): unknown {
  if (kind.is === 'decimal') return { type: 'bytes', logicalType: 'decimal', precision: 18, scale: kind.scale }
  if (kind.is === 'boolean') return 'boolean'
  if (kind.is === 'whole') return 'long'
  if (kind.is === 'double') return 'double'
  return kind.is === 'time' && kind.form.written === 'number' ? 'long' : 'string'
}

/** As a YAML scalar: in quotes unless it is plainly a text. */
function scalar(text: string): string {
  const isPlain = /^[\p{L}][\p{L}\p{N}_./-]*$/u.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
  return isPlain ? text : JSON.stringify(text)
}

/** As it may stand in a comment. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, ' ')
}
