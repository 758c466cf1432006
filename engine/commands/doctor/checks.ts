import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config, KafkaConfig } from '../../config.ts'
import { hasLocalLog } from '../../edge/local/local-log.ts'
import { EngineLock } from '../../edge/local/lock.ts'
import { Outputs } from '../../edge/local/outputs.ts'
import { RegistryRest } from '../../edge/registry/rest.ts'
import { packagePath } from '../../kit/package-path.ts'
import { EngineError } from '../../model/errors.ts'
import { exchangeTopic, otherPartitions } from '../../plan/exchange.ts'
import { planExchanges } from '../../plan/plan.ts'
import { compileRuleSet, formatIssues } from '../../rules/index.ts'
import { readRuleFiles } from '../rule-files.ts'
import { serviceLogger } from '../service/serve.ts'
import { eventTimes } from './event-times.ts'

/** Says what it found, null where there is nothing to look at; an EngineError says what is wrong. */
export interface Check {
  readonly name: string
  readonly look: () => string | null | Promise<string | null>
}

const FREE_BYTES_MIN = 256 << 20
const AHEAD_MS_MAX = 60_000
/** Before this, epoch ms, no clock is right: this engine had not been written. */
const EPOCH_MS = Date.UTC(2025, 0, 1)
const HOW_TO_CHANGE = 'how to change it: docs/kafka.md, "Partitions of an exchange"'

/** In the order in which one thing needs another; those that need a configuration are left out where there is none. */
export function* checksOf(load: () => Config): Generator<Check> {
  yield { name: 'node', look: node }
  let config: Config | null = null
  yield {
    name: 'config',
    look: () => {
      config = load()
      return `${config.path ?? 'defaults, there is no lapwing.yaml'}: ${config.streams.length} streams, their schemas read`
    },
  }
  const found = config as Config | null
  if (!found) return
  const { log, registry } = found
  yield { name: 'rules', look: () => rules(found) }
  yield { name: 'data', look: () => data(found) }
  yield { name: 'clock', look: () => clock(found) }
  if (log.kind === 'kafka') yield { name: 'broker', look: () => broker(found, log) }
  if (registry !== null) yield { name: 'registry', look: () => answered(registry) }
  if (found.http.port !== 0) yield { name: 'events', look: () => eventTimes(found) }
}

function node(): string {
  const { engines } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { engines: { node: string } }
  const [least, have] = [engines.node, process.version].map((text) =>
    text
      .replace(/^[^\d]*/, '')
      .split('.')
      .map(Number),
  )
  const [major, minor] = [have![0]! - least![0]!, have![1]! - least![1]!]
  if (major < 0 || (major === 0 && minor < 0))
    throw new EngineError('USAGE', `${process.version}; it must be ${engines.node}`)
  return `${process.version} on ${process.platform} ${process.arch}`
}

function rules({ rules: paths, streams }: Config): string {
  const files = readRuleFiles(paths)
  const compiled = compileRuleSet(files, { streams })
  if (!compiled.ok) throw new EngineError('RULES_INVALID', formatIssues(compiled.issues, files).trimEnd())
  const { rules, rankings, sequences, lists } = compiled.set
  const count = rules.length + rankings.length + sequences.length
  return `${count} rules and rankings, ${lists.length} lists (lapwing check tells of warnings)`
}

function data({ data: folder }: Config): string {
  let there = folder
  while (!existsSync(there)) there = dirname(there)
  try {
    accessSync(there, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `${folder} cannot be written: no permission in ${there}`, error)
  }
  const { bavail, bsize } = statfsSync(there)
  const free = bavail * bsize
  const mega = `${Math.floor(free / (1 << 20))} MB free`
  if (free < FREE_BYTES_MIN) throw new EngineError('LOG_BUSY', `${folder}: only ${mega} in ${there}`)
  if (!hasLocalLog(folder)) return `${folder} can be written, ${mega}; no local log yet`
  return `${folder} can be written, ${mega}; ${EngineLock.isHeld(folder) ? 'an engine runs on it' : 'no engine runs on it'}`
}

/** What was written down before now, by this clock or another, must not lie ahead. */
function clock({ data: folder, log }: Config): string {
  const nowMs = Date.now()
  const shown = new Date(nowMs).toISOString()
  if (nowMs < EPOCH_MS) throw new EngineError('USAGE', `${shown} cannot be right`)
  const appendedMs = log.kind === 'local' && hasLocalLog(folder) ? writtenMs(folder) : null
  if (appendedMs !== null && appendedMs > nowMs + AHEAD_MS_MAX) {
    const then = new Date(appendedMs).toISOString()
    throw new EngineError('USAGE', `${shown}, but the local log was written at ${then}: the clock was set back`)
  }
  return shown
}

function writtenMs(folder: string): number | null {
  const outputs = Outputs.open(folder)
  const newestMs = outputs.newestAppendMs()
  outputs.close()
  return newestMs
}

async function broker(config: Config, connection: KafkaConfig): Promise<string> {
  const { streams, outputs } = config
  const { topicsOf } = await import('../../edge/kafka/topic-names.ts')
  const there = await topicsOf(connection, serviceLogger())
  const where = connection.brokers.join(', ')
  const missing = streams.map(({ topic }) => topic).filter((topic) => !there.has(topic))
  const lacking = await rightsLacking(config, connection)
  if (missing.length > 0 || lacking !== '') {
    const absent = missing.length > 0 ? `; no such topic: ${missing.join(', ')}` : ''
    throw new EngineError('INPUT_MISSING', `${where} answers${absent}${lacking}`)
  }
  const topics = Object.values(outputs)
  const made = topics.filter((topic) => there.has(topic)).length
  const strays = await straysIn(there, config, connection)
  const others = await otherPartitionsIn(there, config, connection)
  const warnings = await topicWarnings(there, config, connection)
  return `${where} answers, all ${streams.length} source topics are there, ${made} of ${topics.length} outputs${strays}${others}${warnings}`
}

/** A line for each; EngineError LOG_GAP where records were deleted unread. */
async function topicWarnings(
  there: ReadonlySet<string>,
  { streams }: Config,
  connection: KafkaConfig,
): Promise<string> {
  const { topicFaults } = await import('../../edge/kafka/topic-faults.ts')
  const sources = [...new Set(streams.map(({ topic }) => topic))]
  const own = [...there].filter((topic) => topic.startsWith(`${connection.group}.`) && !sources.includes(topic))
  const { faults, warnings } = await topicFaults(connection, { sources, own }, serviceLogger())
  if (faults.length > 0) throw new EngineError('LOG_GAP', [...faults, ...warnings].join('\n'))
  return warnings.map((line) => `\n${line}`).join('')
}

/** A line for each right that the engine needs and has not got; docs/kafka.md has them as ACLs. */
async function rightsLacking({ rules: paths, streams, outputs }: Config, connection: KafkaConfig): Promise<string> {
  const { createClient } = await import('../../edge/kafka/client.ts')
  const { missingRights } = await import('../../edge/kafka/rights.ts')
  const { noAnswer } = await import('../../edge/kafka/errors.ts')
  const compiled = compileRuleSet(readRuleFiles(paths), { streams })
  const exchanges = compiled.ok ? planExchanges(compiled.set, streams) : []
  const isRead = (name: string) => !compiled.ok || exchanges.some((exchange) => exchange.streams.includes(name))
  const wanted = {
    group: connection.group,
    exchanges,
    sources: streams.filter(({ name }) => isRead(name)).map(({ topic }) => topic),
    outputs: [outputs.alerts, outputs.shadow, outputs.rankings, outputs.dlq],
  }
  try {
    const lines = await missingRights(createClient(connection, serviceLogger(), 1), wanted)
    return (lines ?? []).map((line) => `\nmissing right: ${line}`).join('')
  } catch (error) {
    throw noAnswer(connection.brokers, error)
  }
}

/** Empty where there are none. */
async function straysIn(
  there: ReadonlySet<string>,
  { streams, outputs }: Config,
  connection: KafkaConfig,
): Promise<string> {
  const { controlTopic } = await import('../../edge/kafka/rules-topic.ts')
  const { GroupControl } = await import('../../edge/kafka/group-control.ts')
  if (!there.has(controlTopic(connection.group))) return ''
  const options = { connection, streams, outputs, log: serviceLogger() }
  const strays = await GroupControl.with(options, (control) => control.strays())
  return strays === null ? '' : `\n${strays}`
}

/** A line for each exchange of the configured rules whose topic has another number of partitions than a new one gets. */
async function otherPartitionsIn(
  there: ReadonlySet<string>,
  { rules: paths, streams, exchange }: Config,
  connection: KafkaConfig,
): Promise<string> {
  const compiled = compileRuleSet(readRuleFiles(paths), { streams })
  if (!compiled.ok) return '' // said by the check of the rules
  const exchanges = planExchanges(compiled.set, streams)
  const topics = exchanges.map(({ id }) => exchangeTopic(connection.group, id)).filter((topic) => there.has(topic))
  if (topics.length === 0) return ''
  const { partitionCountsOf } = await import('../../edge/kafka/topic-names.ts')
  const counts = await partitionCountsOf(connection, topics, serviceLogger())
  const lines = otherPartitions(connection.group, exchanges, counts, exchange.partitions).map(
    ({ topic, has, configured }) =>
      `\n${topic} has ${has} partitions and keeps them, exchange.partitions is ${configured}; ${HOW_TO_CHANGE}`,
  )
  return lines.join('')
}

async function answered(connection: NonNullable<Config['registry']>): Promise<string> {
  const rest = new RegistryRest(connection)
  await rest.look()
  return `${rest.url} answers`
}
