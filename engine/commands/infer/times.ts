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

/** How all values are written as times; null: not all of them are times of one form. */
export function timeFormOf(values: readonly unknown[]): TimeForm | null {
  if (values.length === 0) return null
  const texts = values.map((value) => String(value).trim())
  const all = (form: RegExp) => texts.every((text) => form.test(text))
  for (const [format, digits] of UNITS)
    if (all(new RegExp(`^[1-4]\\d{${digits - 1}}(\\.\\d+)?$`)))
      return { format, needsZone: false, doubt: null, written: 'number' }
  if (texts.every((text) => !Number.isNaN(parseIsoTime(text)))) {
    const needsZone = texts.some((text) => !/(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$/i.test(text.slice(10)))
    const doubt = texts.every((text) => text.length === 10) ? 'days only, without a time of day' : null
    return { format: 'iso', needsZone, doubt, written: 'text' }
  }
  const found = PATTERNS.find(([, form]) => all(form))
  if (found) return { format: found[0], needsZone: true, doubt: null, written: 'text' }
  return slashed(texts)
}

function slashed(texts: readonly string[]): TimeForm | null {
  const found = SLASHED.find(([, form]) => texts.every((text) => form.test(text)))
  if (!found) return null
  const first = Math.max(...texts.map((text) => Number(text.slice(0, 2))))
  const second = Math.max(...texts.map((text) => Number(text.slice(3, 5))))
  const order = first > 12 ? 'dd/MM' : 'MM/dd'
  const doubt = first > 12 || second > 12 ? null : 'month before day? No day above the 12th shows it'
  return { format: `${order}${found[0]}`, needsZone: true, doubt, written: 'text' }
}
