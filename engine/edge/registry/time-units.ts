/** `value * ms / per` is milliseconds. */
export interface TimeUnit {
  readonly ms: number
  readonly per: number
}

const MILLIS: TimeUnit = { ms: 1, per: 1 }
const MICROS: TimeUnit = { ms: 1, per: 1_000 }
const NANOS: TimeUnit = { ms: 1, per: 1_000_000 }
const UNITS: Readonly<Record<string, TimeUnit>> = {
  'timestamp-millis': MILLIS,
  'timestamp-micros': MICROS,
  'timestamp-nanos': NANOS,
  'local-timestamp-millis': MILLIS,
  'local-timestamp-micros': MICROS,
  'local-timestamp-nanos': NANOS,
  date: { ms: 86_400_000, per: 1 },
}

/** What a number of a logical type counts; undefined where that is no moment. */
export function unitOf(logicalType: string | undefined): TimeUnit | undefined {
  return logicalType !== undefined && Object.hasOwn(UNITS, logicalType) ? UNITS[logicalType] : undefined
}

/** Makes of an expression in one unit one in the other, cut to whole numbers; null where there is nothing to do. */
export function scaleBetween(
  from: TimeUnit | undefined,
  to: TimeUnit | undefined,
): ((expression: string) => string) | null {
  if (!from || !to || from === to) return null
  return (n) => `Math.floor(${n} * ${from.ms * to.per} / ${from.per * to.ms})`
}
