import { parseIsoTime } from '../../kit/iso-time.ts'

export interface TimeForm {
  /** As `time_format` of a stream says it. */
  readonly format: string
  /** False: the times say themselves which zone they are in, or count from 1970. */
  readonly needsZone: boolean
  /** What was assumed. */
  readonly doubt: string | null
  /** How it stands in the records. */
  readonly written: 'number' | 'text'
}

/** Patterns other than ISO 8601, M and the like with or without a leading zero: what follows the sample may have either. */
const PATTERNS: readonly (readonly [pattern: string, form: RegExp])[] = [
  'yyyy/M/d',
  'yyyy-M-d',
  'yyyy.M.d',
  'yyyy年M月d日',
  'd.M.yyyy',
]
  .flatMap((day) => [' H:mm:ss', ' H:mm', ''].map((clock) => [day + clock, formOf(day + clock)] as const))
  .concat([
    ['yyyyMMddHHmmss', /^(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d$/],
    ['yyyyMMdd HHmmss', /^(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01]) ([01]\d|2[0-3])[0-5]\d[0-5]\d$/],
  ])
/** Which of the first two numbers is the month shows only where one is above 12. */
const SLASHED = [' H:mm:ss', ' H:mm', ''].map((clock) => [`/yyyy${clock}`, formOf(`M/d/yyyy${clock}`)] as const)
const UNITS: readonly (readonly [format: string, digits: number])[] = [
  ['s', 10],
  ['ms', 13],
  ['us', 16],
  ['ns', 19],
]

/** How the values are written as times, all but `misfitsMax` of them; null: they are no times of one form. */
export function timeFormOf(
  values: readonly unknown[],
  misfitsMax: number,
): { readonly form: TimeForm; readonly misfits: readonly string[] } | null {
  const texts = values.map((value) => String(value).trim())
  const first = texts.slice(0, FIRST_LOOKED_AT)
  const found = CANDIDATES.filter(({ is }) => first.some(is))
    .map(({ is, form }) => ({ form, times: texts.filter(is), misfits: texts.filter((text) => !is(text)) }))
    .toSorted((a, b) => a.misfits.length - b.misfits.length)[0]
  if (!found || found.misfits.length > misfitsMax) return null
  return { form: found.form(found.times), misfits: found.misfits }
}

/** A form that none of these has is not looked for. */
const FIRST_LOOKED_AT = 100

interface Candidate {
  is(text: string): boolean
  /** The form of texts that are such. */
  form(texts: readonly string[]): TimeForm
}

const CANDIDATES: readonly Candidate[] = [
  ...UNITS.map(([format, digits]): Candidate => {
    const epoch = new RegExp(`^[1-4]\\d{${digits - 1}}(\\.\\d+)?$`)
    return {
      is: (text) => epoch.test(text),
      form: () => ({ format, needsZone: false, doubt: null, written: 'number' }),
    }
  }),
  { is: (text) => !Number.isNaN(parseIsoTime(text)), form: isoForm },
  ...PATTERNS.map(
    ([format, pattern]): Candidate => ({
      is: (text) => pattern.test(text),
      form: () => ({ format, needsZone: true, doubt: null, written: 'text' }),
    }),
  ),
  ...SLASHED.map(
    ([rest, pattern]): Candidate => ({
      is: (text) => pattern.test(text),
      form: (texts) => slashed(rest, texts),
    }),
  ),
]

function formOf(pattern: string): RegExp {
  const digits = (letters: string) => (letters.length > 1 ? `\\d{${letters.length}}` : '\\d{1,2}')
  return new RegExp(`^${pattern.replace(/yyyy|mm|ss|[MdH]|\./g, (part) => (part === '.' ? '\\.' : digits(part)))}$`)
}

function isoForm(texts: readonly string[]): TimeForm {
  const needsZone = texts.some((text) => !/(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$/i.test(text.slice(10)))
  const doubt = texts.every((text) => text.length === 10) ? 'days only, without a time of day' : null
  return { format: 'iso', needsZone, doubt, written: 'text' }
}

function slashed(rest: string, texts: readonly string[]): TimeForm {
  const largest = (at: 0 | 1) => texts.reduce((most, text) => Math.max(most, Number(text.split('/')[at])), 0)
  const [first, second] = [largest(0), largest(1)]
  const doubt = first > 12 || second > 12 ? null : 'month before day? No day above the 12th shows it'
  return { format: `${first > 12 ? 'd/M' : 'M/d'}${rest}`, needsZone: true, doubt, written: 'text' }
}
