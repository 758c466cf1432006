import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Document, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { Connections } from './config/connections.ts'
import { checkTogether, streamOf } from './config/relations.ts'
import { Settings } from './config/settings.ts'
import { DEFAULTS, knownKeys, type Sections, sectionShapes, streamShape, TOP_KEYS } from './config/shape.ts'
import type { KafkaConnection } from './edge/kafka/client.ts'
import type { RegistryConnection } from './edge/registry/rest.ts'
import { packagePath } from './kit/package-path.ts'
import { systemText } from './kit/system-error.ts'
import { EngineError } from './model/errors.ts'
import type { Limits } from './model/limits.ts'
import type { Stream } from './model/stream.ts'
import { formatIssues } from './rules/index.ts'
import { didYouMean } from './rules/source/suggest.ts'
import { SourceText } from './rules/source/text.ts'

export interface Config {
  /** The file it was read from; null: there was none. */
  readonly path: string | null
  /** Absolute folder of state, local log and archive. */
  readonly data: string
  /** Absolute paths of rule files and folders. */
  readonly rules: readonly string[]
  readonly http: { readonly host: string; readonly port: number }
  readonly log: LogConfig
  /** The schema registry: its URL, where that is all. */
  readonly registry: string | RegistryConnection | null
  readonly time: TimeConfig
  readonly snapshots: SnapshotConfig
  readonly exchange: ExchangeConfig
  readonly limits: Limits
  readonly streams: readonly Stream[]
  readonly outputs: Readonly<Sections['outputs']>
}

export type KafkaConfig = { readonly kind: 'kafka' } & KafkaConnection
export type LogConfig = { readonly kind: 'local' } | KafkaConfig

/** When the service writes its state beside the log. */
export interface SnapshotConfig {
  /** Milliseconds; 0 = never. */
  readonly everyMs: number
  /** Sooner, after so many records. */
  readonly records: number
}

export interface ExchangeConfig {
  /** Partitions of an exchange topic that is new; one that exists keeps its number. */
  readonly partitions: number
}

/** How sources of one exchange are merged; milliseconds. */
export interface TimeConfig {
  readonly maxSkewMs: number
  readonly maxWaitMs: number
  readonly markIntervalMs: number
  readonly idleGraceMs: number
}

/** Dotted paths that flags and environment may set: `log.brokers` is LAPWING_LOG_BROKERS there. */
export const SETTINGS = [
  'data',
  'rules',
  'http.host',
  'http.port',
  'log.kind',
  'log.brokers',
  'log.group',
  'log.ssl',
  'log.sasl.mechanism',
  'log.sasl.username',
  'log.sasl.password',
  'log.sasl.password_file',
  'log.sasl.token',
  'log.sasl.token_file',
  'registry',
  'time.max_skew',
  'time.max_wait',
  'time.mark_interval',
  'time.idle_grace',
  'snapshots.every',
  'snapshots.records',
  'exchange.partitions',
  'limits.keys',
  'limits.values',
  'limits.events_per_key',
  'limits.open_alerts',
  'limits.timers',
  'limits.events_in_memory',
  'outputs.alerts',
  'outputs.shadow',
  'outputs.rankings',
  'outputs.dlq',
] as const
export type Setting = (typeof SETTINGS)[number]

export interface ConfigSources {
  /** The file; else LAPWING_CONFIG; else `lapwing.yaml` in the working folder, if there is one. */
  readonly path?: string | undefined
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Values of flags, as a file would hold them; undefined = not given. Lists may be texts with commas. */
  readonly overrides?: Readonly<Partial<Record<Setting, unknown>>>
  /** Working folder; relative paths of flags and environment start here, those of a file at its own folder. */
  readonly folder?: string
}

/** The defaults, checked; also printable as `DEFAULTS` in config/shape.ts. */
export function defaultConfig(folder = process.cwd()): Config {
  return build(new Settings(), { ...DEFAULTS }, { file: null, folder, env: {} })
}

/**
 * Flags before environment before file before default, checked and frozen. EngineError INPUT_MISSING when the file cannot
 * be read; CONFIG_INVALID with every fault, each with file, line, column and a way out.
 */
export function loadConfig({ path, env = {}, overrides = {}, folder = process.cwd() }: ConfigSources = {}): Config {
  const settings = new Settings()
  const named = path ?? env.LAPWING_CONFIG
  const usual = resolve(folder, 'lapwing.yaml')
  const file = named !== undefined ? resolve(folder, named) : existsSync(usual) ? usual : null
  Object.assign(settings.values, DEFAULTS)
  if (file !== null) addFile(settings, file, named ?? 'lapwing.yaml')
  const outside = new Map<string, [said: string, value: unknown]>()
  for (const setting of SETTINGS) {
    const variable = `LAPWING_${setting.replaceAll('.', '_').toUpperCase()}`
    const flag = overrides[setting]
    if (flag !== undefined) outside.set(setting, [`--${setting.split('.').at(-1)} ${flag}`, flag])
    else if (env[variable] !== undefined && env[variable] !== '') outside.set(setting, [variable, env[variable]])
  }
  for (const [setting, [said, value]] of outside) {
    settings.add(said, setting, asInFile(setting, value, folder))
    const twin = setting.endsWith('_file') ? setting.slice(0, -'_file'.length) : `${setting}_file`
    if (setting.startsWith('log.sasl.') && isSetting(twin) && !outside.has(twin)) settings.add(said, twin, undefined)
  }
  return build(settings, settings.values, { file, folder, env })
}

function isSetting(name: string): boolean {
  return (SETTINGS as readonly string[]).includes(name)
}

/** Lists from commas, absolute paths from relative ones. */
function asInFile(setting: string, value: unknown, folder: string): unknown {
  const isList = setting === 'rules' || setting === 'log.brokers'
  const parts = isList && typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value
  if (setting === 'data' && typeof parts === 'string' && parts !== '') return resolve(folder, parts)
  if (setting === 'rules' && Array.isArray(parts)) return parts.map((part) => resolve(folder, String(part)))
  return setting === 'registry' && parts === 'null' ? null : parts
}

function addFile(settings: Settings, file: string, shown: string): void {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `configuration: ${shown}: ${systemText(error)}`, error)
  }
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent' })
  const source = new SourceText(shown, text)
  const { values, errors } = valuesOf(document)
  const isMapping = typeof values === 'object' && !Array.isArray(values)
  settings.addFile(source, document, isMapping ? ((values ?? {}) as Record<string, unknown>) : {})
  for (const { at, message, code } of errors) {
    const { line, column } = source.position(at)
    const found = code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'yaml-syntax'
    settings.issues.push({
      code: found,
      severity: 'error',
      file: shown,
      line,
      column,
      length: 1,
      rule: null,
      message,
      suggestion: null,
    })
  }
  if (!isMapping) settings.fault('not-a-mapping', [], 'value', 'a configuration is a mapping of keys to values')
}

interface YamlFault {
  /** Offset in the text. */
  readonly at: number
  readonly message: string
  readonly code?: string
}

/** An empty mapping where there are faults. */
function valuesOf(document: Document.Parsed): { values: unknown; errors: readonly YamlFault[] } {
  if (document.errors.length > 0)
    return { values: {}, errors: document.errors.map(({ pos, message, code }) => ({ at: pos[0], message, code })) }
  try {
    return { values: document.toJS({ maxAliasCount: 100 }), errors: [] }
  } catch (error) {
    // an alias of nothing, or too many of them
    let at = 0
    visit(document, {
      Alias(_, alias) {
        if (alias.resolve(document) !== undefined) return undefined
        at = alias.range?.[0] ?? 0
        return visit.BREAK
      },
    })
    return { values: {}, errors: [{ at, message: (error as Error).message }] }
  }
}

function build(
  settings: Settings,
  values: Readonly<Record<string, unknown>>,
  { file, folder, env }: { file: string | null; folder: string; env: NonNullable<ConfigSources['env']> },
): Config {
  const home = file === null ? folder : dirname(file)
  for (const key of Object.keys(values)) if (!TOP_KEYS.includes(key)) unknownKey(settings, [], key)
  const sections: Partial<Record<string, unknown>> = {}
  for (const [key, shape] of Object.entries(sectionShapes)) sections[key] = checked(settings, [key], shape, values[key])
  const streams = readStreams(settings, values.streams, home)
  const { outputs, data, rules, time, snapshots, limits, log, registry, ...rest } = sections as unknown as Sections
  checkTogether(streams, outputs ?? null, settings)
  const connections = new Connections(settings, home, env)
  const connected = { log: log && connections.log(log), registry: registry && connections.registry(registry) }
  refuse(settings)
  return frozen({
    path: file,
    data: resolve(home, data),
    rules: rules.map((path) => rulesPath(home, path, values.rules === DEFAULTS.rules)),
    ...rest,
    ...(connected as Pick<Config, 'log' | 'registry'>),
    time: {
      maxSkewMs: time.max_skew,
      maxWaitMs: time.max_wait,
      markIntervalMs: time.mark_interval,
      idleGraceMs: time.idle_grace,
    },
    snapshots: { everyMs: snapshots.every, records: snapshots.records },
    limits: {
      keys: limits.keys,
      values: limits.values,
      eventsPerKey: limits.events_per_key,
      openAlerts: limits.open_alerts,
      timers: limits.timers,
      eventsInMemory: limits.events_in_memory,
    },
    streams,
    outputs,
  })
}

/** Nothing if nothing is wrong. What flags and environment say is no fault of the file. */
function refuse(settings: Settings): void {
  const usage = settings.usage.join('\n')
  if (settings.issues.length > 0) {
    const { issues, sources } = settings.shown()
    throw new EngineError('CONFIG_INVALID', `${formatIssues(issues, sources)}${usage}`.trimEnd())
  }
  if (usage !== '') throw new EngineError('USAGE', usage)
}

function readStreams(settings: Settings, values: unknown, home: string): Stream[] {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    settings.fault('wrong-value', ['streams'], 'value', '"streams" must be a mapping of names to streams')
    return []
  }
  if (Object.keys(values).length === 0)
    settings.fault('wrong-value', ['streams'], 'value', '"streams" must name at least one stream')
  const streams: Stream[] = []
  for (const [name, value] of Object.entries(values)) {
    if (!/^[a-z][a-z0-9_]*$/.test(name))
      settings.fault('bad-name', ['streams', name], 'key', `"${name}" must be a name of a–z, 0–9 and _`)
    const shape = checked(settings, ['streams', name], streamShape, value)
    const stream = shape && streamOf(name, shape, home, settings)
    if (stream) streams.push(stream)
  }
  return streams
}

/** The value in its final form; undefined, and faults, when it has not that shape. */
function checked<S extends z.ZodType>(
  settings: Settings,
  at: string[],
  shape: S,
  value: unknown,
): z.infer<S> | undefined {
  const result = shape.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const path = [...at, ...issue.path]
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) unknownKey(settings, path, key)
    else if (issue.input === undefined && isMissing(value, issue.path))
      settings.fault('missing-key', path, 'key', `"${path.join('.')}" is missing`)
    else settings.fault('wrong-value', path, 'value', `"${path.join('.')}" ${plain(issue)}`)
  }
  return undefined
}

function unknownKey(settings: Settings, path: readonly PropertyKey[], key: string): void {
  const where = path.length === 0 ? 'here' : `in "${path.join('.')}"`
  const retired = RETIRED[[...path, key].join('.')]
  const message = `"${key}" is not a key ${where}${retired === undefined ? '' : `: ${retired}`}`
  settings.fault('unknown-key', [...path, key], 'key', message, didYouMean(key, knownKeys(path)))
}

/** Keys of earlier versions, and what is to be done about them. */
const RETIRED: Readonly<Record<string, string>> = { 'outputs.trends': 'nothing was ever written to it, leave it out' }

function isMissing(value: unknown, path: readonly PropertyKey[]): boolean {
  let inner: unknown = value
  for (const part of path) inner = (inner as Record<PropertyKey, unknown> | null | undefined)?.[part]
  return inner === undefined
}

/** zod's own words where the shape has none. */
function plain(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.path.at(-1) === 'kind') return 'must be local or kafka'
  if (issue.code === 'invalid_type' && issue.expected === 'object') return 'must be a mapping of keys to values'
  return issue.message
}

/** The default folder of rules is the one that ships, where the working folder has none. */
function rulesPath(home: string, path: string, isDefault: boolean): string {
  const own = resolve(home, path)
  return isDefault && !existsSync(own) ? packagePath(path) : own
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}
