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

const DATE = String.raw`(\d{4})`
const CLOCK = String.raw`\d{1,2}:\d{2}`
/** Patterns other than ISO 8601. */
const PATTERNS: readonly (readonly [pattern: string, form: RegExp])[] = [
  ['yyyy/MM/dd HH:mm:ss', new RegExp(`^${DATE}/\\d{2}/\\d{2} \\d{2}:\\d{2}:\\d{2}$`)],
  ['yyyy/M/d H:mm:ss', new RegExp(`^${DATE}/\\d{1,2}/\\d{1,2} ${CLOCK}:\\d{2}$`)],
  ['yyyy/M/d H:mm', new RegExp(`^${DATE}/\\d{1,2}/\\d{1,2} ${CLOCK}$`)],
  ['yyyy/M/d', new RegExp(`^${DATE}/\\d{1,2}/\\d{1,2}$`)],
  ['yyyy-M-d H:mm:ss', new RegExp(`^${DATE}-\\d{1,2}-\\d{1,2} ${CLOCK}:\\d{2}$`)],
  ['yyyy-M-d H:mm', new RegExp(`^${DATE}-\\d{1,2}-\\d{1,2} ${CLOCK}$`)],
  ['yyyy.MM.dd HH:mm:ss', new RegExp(`^${DATE}\\.\\d{2}\\.\\d{2} \\d{2}:\\d{2}:\\d{2}$`)],
  ['yyyy年M月d日 H:mm:ss', new RegExp(`^${DATE}年\\d{1,2}月\\d{1,2}日 ${CLOCK}:\\d{2}$`)],
  ['yyyy年M月d日 H:mm', new RegExp(`^${DATE}年\\d{1,2}月\\d{1,2}日 ${CLOCK}$`)],
  ['yyyyMMddHHmmss', /^(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d$/],
  ['yyyyMMdd HHmmss', /^(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01]) ([01]\d|2[0-3])[0-5]\d[0-5]\d$/],
  ['dd.MM.yyyy HH:mm:ss', /^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}$/],
  ['dd.MM.yyyy HH:mm', /^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}$/],
]
/** Which of the first two numbers is the month shows only where one is above 12. */
const SLASHED: readonly (readonly [rest: string, form: RegExp])[] = [
  ['/yyyy HH:mm:ss', /^(\d{2})\/(\d{2})\/\d{4} \d{2}:\d{2}:\d{2}$/],
  ['/yyyy HH:mm', /^(\d{2})\/(\d{2})\/\d{4} \d{2}:\d{2}$/],
]
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
  for (const { is, form } of CANDIDATES) {
    const found = texts.filter(is)
    if (found.length === 0 || texts.length - found.length > misfitsMax) continue
    return { form: form(found), misfits: texts.filter((text) => !is(text)) }
  }
  return null
}

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

function isoForm(texts: readonly string[]): TimeForm {
  const needsZone = texts.some((text) => !/(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$/i.test(text.slice(10)))
  const doubt = texts.every((text) => text.length === 10) ? 'days only, without a time of day' : null
  return { format: 'iso', needsZone, doubt, written: 'text' }
}

function slashed(rest: string, texts: readonly string[]): TimeForm {
  const largest = (at: number) => texts.reduce((most, text) => Math.max(most, Number(text.slice(at, at + 2))), 0)
  const [first, second] = [largest(0), largest(3)]
  const doubt = first > 12 || second > 12 ? null : 'month before day? No day above the 12th shows it'
  return { format: `${first > 12 ? 'dd/MM' : 'MM/dd'}${rest}`, needsZone: true, doubt, written: 'text' }
}
