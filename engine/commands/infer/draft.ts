import type { NumberForm } from '../../model/mapping.ts'
import { isType, typeOf } from './event-types.ts'
import { formUsed, type Kind, kindOf, nullWordsIn, numberFormOf, withoutNulls } from './kinds.ts'
import { fieldsFor } from './roles.ts'
import type { Column, Table } from './table.ts'
import type { TimeForm } from './times.ts'

export interface DraftField {
  readonly column: Column
  readonly field: string
  readonly kind: Kind
  /** What was assumed; null: nothing. */
  readonly doubt: string | null
}

/** What a stream of a table's records would be. */
export interface Draft {
  readonly fields: readonly DraftField[]
  readonly time: { readonly field: DraftField; readonly form: TimeForm; readonly others: readonly DraftField[] }
  readonly id: { readonly field: DraftField; readonly doubt: string } | null
  readonly type: DraftType
  readonly numbers: NumberForm | null
  readonly numbersDoubt: string | null
  readonly flags: { readonly yes: readonly string[]; readonly no: readonly string[] }
  readonly nulls: readonly string[]
}

export type DraftType =
  | { readonly fixed: string }
  | { readonly field: DraftField; readonly words: readonly Word[] }
  /** The words are types as they are. */
  | { readonly field: DraftField; readonly types: readonly string[] }

/** A word of the type column, in how many rows it stands, and the type it stands for. */
export interface Word {
  readonly word: string
  readonly rows: number
  readonly type: string
  readonly doubt: string | null
}

/** More different words than a type has. */
const WORDS_MAX = 50

/** Null: no column holds times, and a stream cannot do without. */
export function draftOf({ columns, rows }: Table): Draft | null {
  const { fields: names, doubts } = fieldsFor(columns.map(({ name }) => name))
  const { form, also } = numberFormOf(columns)
  const fields = columns.map((column): DraftField => {
    const field = names.get(column.name)!
    const { kind, misfits } = kindOf(column, field, form)
    const notes = [...(doubts.has(field) ? [doubts.get(field)!] : []), ...misfitNote(misfits)]
    return { column, field, kind, doubt: notes.length === 0 ? null : notes.join('; ') }
  })
  const times = fields.filter(({ kind }) => kind.is === 'time')
  const time = times.find(({ field }) => field === 'event_time') ?? times[0]
  if (time?.kind.is !== 'time') return null
  const numeric = fields.filter(({ kind }) => ['whole', 'decimal', 'double'].includes(kind.is))
  const flags = fields.flatMap(({ kind }) => (kind.is === 'boolean' ? [kind.words] : []))
  const typed = fields.filter(({ kind }) => kind.is !== 'text' && kind.is !== 'nested')
  return {
    fields,
    time: { field: time, form: time.kind.form, others: times.filter((other) => other !== time) },
    id: idOf(fields, rows),
    type: draftType(fields),
    numbers: formUsed(
      form,
      numeric.map(({ column }) => column),
    ),
    numbersDoubt: also && `with "${also.decimal}" before the decimals they would be numbers too, and other ones`,
    flags: {
      yes: unique(flags.map(([yes]) => yes)).filter((word) => word !== 'true'),
      no: unique(flags.map(([, no]) => no)).filter((word) => word !== 'false'),
    },
    nulls: unique(typed.flatMap(({ column }) => nullWordsIn(column))),
  }
}

function misfitNote(misfits: readonly string[]): string[] {
  if (misfits.length === 0) return []
  const are = misfits.length === 1 ? 'is' : 'are'
  return [`${rowsText(misfits.length)} ${are} malformed, such as ${JSON.stringify(misfits[0]!.slice(0, 40))}`]
}

function idOf(fields: readonly DraftField[], rows: number): Draft['id'] {
  for (const name of ['event_id', 'order_id']) {
    const field = fields.find((f) => f.field === name && ['text', 'whole'].includes(f.kind.is))
    const values = field && withoutNulls(field.column).map(String)
    if (!field || values!.length < rows || new Set(values).size < rows) continue
    return { field, doubt: `each stands in one of the ${rowsText(rows)} only; with "dedupe" a second one is dropped` }
  }
  return null
}

function draftType(fields: readonly DraftField[]): DraftType {
  const field = fields.find((f) => f.field === 'type' && f.kind.is === 'text')
  const rowsOf = new Map<string, number>()
  for (const value of field?.column.values ?? []) {
    const word = String(value).trim()
    rowsOf.set(word, (rowsOf.get(word) ?? 0) + 1)
  }
  if (!field || rowsOf.size === 0 || rowsOf.size > WORDS_MAX)
    return { fixed: fields.some((f) => f.field === 'order_id') ? 'order.created' : 'event' }
  const words = [...rowsOf].toSorted(([, a], [, b]) => b - a)
  if (words.every(([word]) => isType(word)))
    return { field, types: unique(words.map(([word]) => `${word.split('.')[0]}.*`)).toSorted() }
  return { field, words: words.map(([word, rows]) => ({ word, rows, ...typeOf(word) })) }
}

export function rowsText(n: number): string {
  return n === 1 ? '1 row' : `${count(n)} rows`
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)]
}
