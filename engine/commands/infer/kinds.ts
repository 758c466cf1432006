import { type NumberForm, numberReader } from '../../model/mapping.ts'
import { MONEY_FIELDS, TEXT_FIELDS } from './roles.ts'
import type { Column } from './table.ts'
import { type TimeForm, timeFormOf } from './times.ts'

export type Kind =
  | { readonly is: 'text' | 'whole' | 'double' | 'nested' }
  | { readonly is: 'decimal'; readonly scale: number }
  | { readonly is: 'boolean'; readonly words: Flags }
  | { readonly is: 'time'; readonly form: TimeForm }

/** What a column holds, and the values, few if any, that are none such. */
export interface Found {
  readonly kind: Kind
  readonly misfits: readonly string[]
}

/** The words for true and false. */
export type Flags = readonly [yes: string, no: string]

const NULL_WORDS: ReadonlySet<string> = new Set([
  '-',
  '--',
  '—',
  '/',
  'NULL',
  'null',
  '\\N',
  'N/A',
  'n/a',
  'None',
  'nan',
  'NaN',
  '无',
  '空',
])
const FLAGS: readonly Flags[] = [
  ['true', 'false'],
  ['是', '否'],
  ['yes', 'no'],
  ['Yes', 'No'],
  ['YES', 'NO'],
  ['Y', 'N'],
  ['TRUE', 'FALSE'],
  ['True', 'False'],
  ['有', '无'],
]
/** Signs beside numbers that say nothing about how large they are. */
const SIGNS = '¥￥$€£元圆件个'
/** The same sign in two widths. */
const YUAN = '¥￥'
const FORMS: readonly NumberForm[] = [
  { thousands: ',', decimal: '.', strip: SIGNS },
  { thousands: '.', decimal: ',', strip: SIGNS },
  { thousands: ' ', decimal: ',', strip: SIGNS },
  { thousands: '，', decimal: '.', strip: SIGNS },
]
/** Of a column's values, those that may be of another kind than the others. */
const MISFITS_SHARE = 0.05
/** Most digits of a decimal column. */
const DIGITS_MAX = 18
const ID_NAME =
  /(号|编码|编号|邮编|代码)$|(^|[_\s.-])(id|code|no|number|sku|sn|zip|phone|mobile)$|[a-z](Id|ID|Code|No|Number)$/

/** The values of a column but those that are words for nothing. */
export function withoutNulls({ values }: Column): unknown[] {
  return values.filter((value) => !(typeof value === 'string' && NULL_WORDS.has(value.trim())))
}

/** Words for nothing in a column of something else than text, where they must be told. */
export function nullWordsIn({ values }: Column): string[] {
  const words = values.filter((value): value is string => typeof value === 'string' && NULL_WORDS.has(value.trim()))
  return [...new Set(words.map((word) => word.trim()))]
}

/** The form that makes numbers of the most columns; `also`: another does so too, and gives other numbers. */
export function numberFormOf(columns: readonly Column[]): { form: NumberForm; also: NumberForm | null } {
  const texts = columns.map((column) => withoutNulls(column)).filter((v) => v.length > 0 && v.some(isText))
  const scores = FORMS.map((form) => texts.filter((values) => areNumbers(values, form)).length)
  const best = Math.max(...scores)
  const form = FORMS[scores.indexOf(best)]!
  const numeric = texts
    .filter((values) => areNumbers(values, form))
    .flat()
    .map(String)
  const others = FORMS.filter((other, i) => other !== form && scores[i] === best)
  const also = others.find((other) => numeric.some((text) => read(other, text) !== read(form, text))) ?? null
  return { form, also: best > 0 ? also : null }
}

/** What of a form the numbers of these columns need; null: nothing, they are plain. */
export function formUsed({ thousands, decimal, strip }: NumberForm, columns: readonly Column[]): NumberForm | null {
  const characters = new Set(columns.flatMap((column) => withoutNulls(column).filter(isText)).join(''))
  const isYuan = [...YUAN].some((sign) => characters.has(sign))
  const signs = [...strip].filter((sign) => characters.has(sign) || (isYuan && YUAN.includes(sign))).join('')
  const isPlain = signs === '' && !characters.has(thousands) && decimal === '.'
  return isPlain ? null : { thousands, decimal, strip: signs }
}

/** What a column holds, as the field of that name; text where nothing else fits nearly all of its values. */
export function kindOf(column: Column, field: string, form: NumberForm): Found {
  const values = withoutNulls(column)
  const fits = (kind: Kind, misfits: readonly unknown[] = []): Found => ({ kind, misfits: misfits.map(String) })
  if (values.some((value) => typeof value === 'object')) return fits({ is: 'nested' })
  if (values.length === 0) return fits({ is: 'text' })
  const flags = FLAGS.find((words) => values.every((value) => words.includes(String(value).trim())))
  if (flags && field !== 'type') return fits({ is: 'boolean', words: flags })
  const time = timeFormOf(values, values.length * MISFITS_SHARE)
  if (time && (time.form.written === 'text' || isTimeName(column.name, field)))
    return fits({ is: 'time', form: time.form }, time.misfits)
  const [numbers, others] = numbersIn(values, form)
  if (TEXT_FIELDS.has(field) || others.length > values.length * MISFITS_SHARE) return fits({ is: 'text' })
  return fits(numberKind(numbers, column.name, field), others)
}

function numberKind(texts: readonly string[], name: string, field: string): Kind {
  if (texts.some((text) => text.includes('e'))) return { is: 'double' } // as JSON writes 1e-7
  const isMoney = MONEY_FIELDS.has(field)
  const scale = Math.max(...texts.map((text) => text.split('.')[1]?.length ?? 0))
  const digits = Math.max(...texts.map((text) => text.replace(/\D/g, '').length))
  if (scale === 0 && !isMoney) {
    const isName = texts.some((text) => /^0\d/.test(text)) || digits > 15 || ID_NAME.test(name)
    return { is: isName ? 'text' : 'whole' }
  }
  const kept = Math.max(scale, 2)
  return digits - scale + kept <= DIGITS_MAX ? { is: 'decimal', scale: kept } : { is: 'double' }
}

function isTimeName(name: string, field: string): boolean {
  return field === 'event_time' || /_at$|time|date|ts$|时间|日期/i.test(`${name} ${field}`)
}

function areNumbers(values: readonly unknown[], form: NumberForm): boolean {
  return numbersIn(values, form)[1].length <= values.length * MISFITS_SHARE
}

/** Plain texts of the numbers, and the values that are none. */
function numbersIn(values: readonly unknown[], form: NumberForm): [numbers: string[], others: unknown[]] {
  const numbers: string[] = []
  const others: unknown[] = []
  for (const value of values) {
    const plain = typeof value === 'number' ? String(value) : isText(value) ? read(form, value) : null
    if (plain === null) others.push(value)
    else numbers.push(plain)
  }
  return [numbers, others]
}

function read(form: NumberForm, text: string): string | null {
  return READERS.get(form)!(text)
}

const READERS = new Map(FORMS.map((form) => [form, numberReader(form)]))

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
