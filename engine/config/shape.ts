import { z } from 'zod'
import { parseDuration } from '../kit/duration.ts'
import { ENCODINGS } from '../kit/encodings.ts'
import { isZone } from '../kit/local-time.ts'
import { timePattern } from '../kit/time-pattern.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import type { TimeFormat } from '../model/stream.ts'

/** What may stand in `lapwing.yaml`, section by section: shapes only. Relations between them: `relations.ts`. */

const duration = z.string('must be a duration such as 500ms, 5s or 2m').transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== null) return ms
  context.addIssue({ code: 'custom', message: 'must be a duration such as 500ms, 5s or 2m' })
  return z.NEVER
})
const positiveDuration = duration.refine((ms) => ms > 0, 'must be longer than 0s')
const text = z.string('must be a text').min(1, 'must not be empty')
const topic = text.regex(/^[a-zA-Z0-9._-]{1,249}$/, 'must be a topic: letters, digits, ".", "_", "-", at most 249')
const texts = z.array(text, 'must be a list of texts').min(1, 'must name at least one')
/** Environment variables and flags are texts: digits count as a number. */
const whole = (least: number, most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
    z
      .number('must be a number')
      .int('must be a whole number')
      .min(least, `must be at least ${least}`)
      .max(most, `must be at most ${most}`),
  )
const flag = z.union([z.boolean(), z.stringbool()], 'must be true or false')

const http = z.strictObject({ host: text, port: whole(0, 65_535) })

const certificates = z.strictObject({ ca: text.optional(), cert: text.optional(), key: text.optional() })
const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
const login = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: text,
  password: text.optional(),
  password_file: text.optional(),
})
const bearer = z.strictObject({
  mechanism: z.literal('oauthbearer'),
  token: text.optional(),
  token_file: text.optional(),
  token_url: url.optional(),
  client_id: text.optional(),
  client_secret: text.optional(),
  client_secret_file: text.optional(),
  scope: text.optional(),
})
const sasl = z.discriminatedUnion('mechanism', [login, bearer], {
  error: ({ code }) =>
    code === 'invalid_union' ? 'must be plain, scram-sha-256, scram-sha-512 or oauthbearer' : undefined,
})

const registryUrl = 'must be an http:// or https:// URL, or null'
const registry = z.union(
  [
    z.url({ protocol: /^https?$/, error: registryUrl }),
    z.strictObject({
      url,
      username: text.optional(),
      password: text.optional(),
      password_file: text.optional(),
      token: text.optional(),
      token_file: text.optional(),
      ...certificates.shape,
    }),
  ],
  registryUrl,
)
const log = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('local') }),
  z.strictObject({
    kind: z.literal('kafka'),
    brokers: z
      .array(text.regex(/^[^\s:/]+:\d+$|^\[[^\]]+\]:\d+$/, 'must be host:port'), 'must be a list of host:port')
      .min(1, 'must name at least one broker'),
    group: text.default('lapwing'),
    ssl: z.union([flag, certificates], 'must be true, false, or file names under ca, cert, key').default(false),
    sasl: sasl.nullable().default(null),
  }),
])

const time = z.strictObject({
  max_skew: positiveDuration,
  max_wait: positiveDuration,
  mark_interval: positiveDuration,
  idle_grace: duration,
})

const snapshots = z.strictObject({ every: duration, records: whole(1, 1_000_000_000) })

const exchange = z.strictObject({ partitions: whole(1, 1_000) })

/** What each one limits: model/limits.ts. */
const limits = z.strictObject({
  keys: whole(1, 100_000_000),
  values: whole(1, 1_000_000_000),
  events_per_key: whole(1, 1_000_000_000),
  open_alerts: whole(1, 10_000_000),
  timers: whole(1, 100_000_000),
  events_in_memory: whole(4_096, 1_000_000_000),
})

/** `ignore`, the type of the event, or `{ column: { value: type } }`. */
const outcome = z.union(
  [
    text,
    z
      .record(text, z.record(text, text))
      .refine((columns) => Object.keys(columns).length === 1, 'must name one column')
      .refine((columns) => Object.values(columns).every((types) => Object.keys(types).length > 0), 'must name a value'),
  ],
  'must be ignore, an event type, or { column: { value: event type } } of one column',
)
const changes = z.strictObject({
  insert: outcome.optional(),
  update: outcome.default('ignore'),
  delete: outcome.default('ignore'),
  snapshot: z.enum(['insert', 'ignore'], 'must be insert or ignore').default('insert'),
})
export type OutcomeShape = z.infer<typeof outcome>

const words = z.array(text, 'must be a list of words').default([])
const numbers = z.strictObject({
  thousands: z.string('must be a text').max(1, 'must be one character').default(''),
  decimal: z.string('must be a text').length(1, 'must be one character').default('.'),
  strip: z.string('must be a text').default(''),
})

const UNITS = ['ms', 's', 'us', 'ns', 'iso'] as const
/** A unit, or a pattern. */
const timeFormat = text.transform((written, context): TimeFormat => {
  const unit = UNITS.find((name) => name === written)
  if (unit) return unit
  const pattern = timePattern(written)
  if (typeof pattern === 'function') return { pattern: written }
  const message = `must be ms, s, us, ns, iso, or a pattern such as yyyy-MM-dd HH:mm:ss: ${pattern.problem}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

export const streamShape = z.strictObject({
  schema: text,
  schema_id: whole(0, 2 ** 31 - 1).optional(),
  topic,
  format: z
    .enum(['avro', 'json', 'debezium', 'canal', 'maxwell'], 'must be avro, json, debezium, canal or maxwell')
    .default('avro'),
  table: text.optional(),
  changes: changes.optional(),
  decimals: z.record(text, whole(0, 38), 'must map a column to its digits behind the point').optional(),
  time: text,
  time_format: timeFormat.default('ms'),
  zone: text.refine(isZone, 'must be a zone such as Asia/Shanghai').optional(),
  encoding: z.enum(ENCODINGS, `must be one of ${ENCODINGS.join(', ')}`).optional(),
  id: text.nullable().default(null),
  type: z.union(
    [text, z.strictObject({ fixed: text })],
    'must be the name of a field, or { fixed: name of the only type }',
  ),
  types: z
    .array(
      text.regex(/^[^*]+\*?$/, 'must be the name of a type, or a beginning with a final *'),
      'must be a list of types',
    )
    .default([]),
  delimiter: z
    .string('must be a text')
    .regex(/^[^"\r\n]$/, 'must be one character, such as ";" or "\\t"')
    .default(','),
  columns: z.record(text, text, 'must map a name in the source to a field').optional(),
  values: z.record(text, text, 'must map a word of the type field to an event type').optional(),
  numbers: numbers.optional(),
  true_words: words,
  false_words: words,
  null_words: words,
  lateness: duration.default(120_000),
  max_ahead: duration.optional(),
  dedupe: duration.default(0),
  max_text_bytes: whole(64, 16_384).optional(),
  determines: z.record(text, texts, 'must map a field to a list of fields').default({}),
})
export type StreamShape = z.infer<typeof streamShape>

const outputs = z.strictObject({ alerts: topic, shadow: topic, rankings: topic, dlq: topic })

export const sectionShapes = {
  data: text,
  rules: texts,
  http,
  log,
  registry: registry.nullable(),
  time,
  snapshots,
  exchange,
  limits,
  outputs,
} as const
export type Sections = { [K in keyof typeof sectionShapes]: z.infer<(typeof sectionShapes)[K]> }

/** Sections and `streams`: all that may stand at the top. */
export const TOP_KEYS: readonly string[] = [...Object.keys(sectionShapes), 'streams']

/** The keys that may stand at `path`, for suggestions. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  const [section, name, part] = path
  if (section === undefined) return TOP_KEYS
  if (section === 'streams' && part === 'changes') return Object.keys(changes.shape)
  if (section === 'streams' && part === 'numbers') return Object.keys(numbers.shape)
  if (section === 'streams') return part === 'type' ? ['fixed'] : Object.keys(streamShape.shape)
  if (section === 'http') return Object.keys(http.shape)
  if (section === 'time') return Object.keys(time.shape)
  if (section === 'snapshots') return Object.keys(snapshots.shape)
  if (section === 'exchange') return Object.keys(exchange.shape)
  if (section === 'limits') return Object.keys(limits.shape)
  if (section === 'outputs') return Object.keys(outputs.shape)
  if (section === 'registry') return Object.keys(registry.options[1].shape)
  if (section !== 'log') return []
  if (name === 'ssl') return Object.keys(certificates.shape)
  return name === 'sasl'
    ? sasl.options.flatMap((option) => Object.keys(option.shape))
    : log.options.flatMap((option) => Object.keys(option.shape))
}

/** As it would stand in a file. What a file leaves out is taken from here, section by section; streams: `stream-defaults.ts`. */
export const DEFAULTS = {
  data: '.lapwing',
  rules: ['rules'],
  http: { host: '127.0.0.1', port: 9464 },
  log: { kind: 'local' },
  registry: null,
  time: { max_skew: '5s', max_wait: '30s', mark_interval: '500ms', idle_grace: '2s' },
  snapshots: { every: '30s', records: 100_000 },
  exchange: { partitions: 4 },
  limits: {
    keys: DEFAULT_LIMITS.keys,
    values: DEFAULT_LIMITS.values,
    events_per_key: DEFAULT_LIMITS.eventsPerKey,
    open_alerts: DEFAULT_LIMITS.openAlerts,
    timers: DEFAULT_LIMITS.timers,
    events_in_memory: DEFAULT_LIMITS.eventsInMemory,
  },
  streams: {
    transactions: {
      schema: 'schemas/transaction.avsc',
      topic: 'trade.transactions.v1',
      time: 'event_time',
      id: 'event_id',
      type: 'type',
      types: ['order.*', 'inventory.*', 'payment.*', 'item.delivered', 'item.traded'],
      lateness: '2m',
      max_ahead: '30s',
      dedupe: '10m',
      determines: { order_id: ['buyer_id', 'shop_id'] },
    },
    behavior: {
      schema: 'schemas/behavior.avsc',
      topic: 'trade.behavior.v1',
      time: 'event_time',
      id: 'event_id',
      type: 'type',
      types: ['item.viewed', 'item.favorited', 'item.carted', 'item.bought'],
    },
  },
  outputs: {
    alerts: 'risk.alerts.v1',
    shadow: 'risk.alerts.shadow.v1',
    rankings: 'risk.hot-items.v1',
    dlq: 'risk.dlq.v1',
  },
} as const
