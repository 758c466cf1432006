import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Config, type KafkaConfig, loadConfig } from '../config.ts'
import { RulesBeside } from '../edge/local/rules.ts'
import type { RuleSource } from '../model/block.ts'
import { EngineError } from '../model/errors.ts'
import type { RuleSet } from '../model/rule.ts'
import { textHash } from '../model/rule-text.ts'
import { compileRuleSet, formatIssues } from '../rules/index.ts'
import { compileOrRefuse } from './compiled.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, positiveNumber, type Verb } from './options.ts'
import { readRuleFiles } from './rule-files.ts'
import { serviceLogger } from './service/serve.ts'

const LOOK_EVERY_MS = 200

interface PushOptions {
  readonly config?: string
  readonly data?: string
  readonly wait: number
  readonly json?: boolean
}

/** What became of a rule set that was pushed. */
export type PushState = 'in force' | 'unchanged' | 'waiting' | 'no engine' | 'refused'

export interface Pushed {
  readonly state: PushState
  /** Of the rule set. */
  readonly hash: string
  readonly rules: number
  readonly detail: string
}

export function addRules(program: Command, verb: Verb): void {
  program
    .command('rules')
    .description('the rules of a running engine')
    .command('push')
    .description('put rule files in force, whole, in a running engine or for its next start')
    .argument('[path...]', 'rule files, and folders of them; none = the configured ones')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--wait <seconds>', 'how long the engine may take', positiveNumber, 10)
    .option('--json', 'what became of it, as a JSON line')
    .action(verb(push))
}

async function push(paths: readonly string[], options: PushOptions): Promise<ExitCode> {
  const config = loadConfig({ path: options.config, env: process.env, overrides: { data: options.data } })
  const files = readRuleFiles(paths.length === 0 ? config.rules : paths)
  compileOrRefuse(files, config.streams)
  const isConfigured = paths.length === 0
  const pushing = { config, files, isConfigured, waitMs: options.wait * 1_000 }
  const pushed = config.log.kind === 'kafka' ? await pushKafka(config.log, pushing) : await pushLocal(pushing)
  say(options.json ? `${JSON.stringify(pushed)}\n` : `${pushed.detail}\n`)
  return pushed.state === 'refused' || pushed.state === 'waiting' ? EXIT.failed : EXIT.fine
}

interface Pushing {
  readonly config: Config
  readonly files: readonly RuleSource[]
  /** They are those that the configuration names. */
  readonly isConfigured: boolean
  readonly waitMs: number
}

async function pushLocal({ config, files, isConfigured, waitMs }: Pushing): Promise<Pushed> {
  const { data, streams } = config
  const beside = new RulesBeside(data, streams)
  try {
    const { hash, rules, rankings, sequences } = raisedOrRefuse(files, beside.last(), streams)
    const said = { hash, rules: rules.length + rankings.length + sequences.length }
    const what = `${said.rules} rules and rankings, hash ${hash}`
    if (sameFiles(beside.last(), files)) return { ...said, state: 'unchanged', detail: `${what}: nothing to change` }
    const position = beside.put(files, isConfigured)
    const reception = await beside.received(position, waitMs)
    if (reception === 'no engine')
      return { ...said, state: reception, detail: `${what}: no engine runs on ${data}, its next start will take them` }
    if (reception === 'waiting')
      return { ...said, state: reception, detail: `${what}: the engine has not come to them yet; it will, in order` }
    if (sameFiles(beside.inForce(), files)) return { ...said, state: 'in force', detail: `${what}: in force` }
    const detail = `${what}: the engine refused them, or others came after; its log and /readyz say why`
    return { ...said, state: 'refused', detail }
  } finally {
    beside.close()
  }
}

async function pushKafka(connection: KafkaConfig, { config, files, isConfigured, waitMs }: Pushing): Promise<Pushed> {
  const { RulesTopic } = await import('../edge/kafka/rules-topic.ts')
  const topic = new RulesTopic(connection, serviceLogger())
  try {
    await topic.connect()
    const { rules: before } = await topic.state()
    const { hash, rules, rankings, sequences } = raisedOrRefuse(files, before?.files ?? [], config.streams)
    const said = { hash, rules: rules.length + rankings.length + sequences.length }
    const what = `${said.rules} rules and rankings, hash ${hash}`
    const text = textHash(files)
    if (before && textHash(before.files) === text && !topic.isSpoilt)
      return { ...said, state: 'unchanged', detail: `${what}: nothing to change` }
    const configured = isConfigured ? text : (before?.configured ?? null)
    await topic.put({ files, configured, atMs: Date.now() })
    const { group } = connection
    if (!(await topic.hasEngine()))
      return {
        ...said,
        state: 'no engine',
        detail: `${what}: no engine of ${group} runs, its next start will take them`,
      }
    const untilMs = performance.now() + waitMs
    do {
      const { answer } = await topic.state()
      if (answer?.hash === text) {
        if (answer.refused === null) return { ...said, state: 'in force', detail: `${what}: in force` }
        return { ...said, state: 'refused', detail: `${what}: the engine refused them\n${answer.refused}` }
      }
      await sleep(LOOK_EVERY_MS)
    } while (performance.now() < untilMs)
    return { ...said, state: 'waiting', detail: `${what}: no engine has answered yet` }
  } catch (error) {
    if (error instanceof EngineError) throw error
    const where = connection.brokers.join(', ')
    throw new EngineError('KAFKA_UNREACHABLE', `the control topic at ${where}: ${(error as Error).message}`, error)
  } finally {
    await topic.close()
  }
}

/** The set of `files`; EngineError RULES_INVALID when it cannot take the place of what `before` says. */
export function raisedOrRefuse(
  files: readonly RuleSource[],
  before: readonly RuleSource[],
  streams: Config['streams'],
): RuleSet {
  const inForce = compileRuleSet(before, { streams })
  const compiled = compileRuleSet(files, { streams, ...(inForce.ok ? { inForce: inForce.set } : {}) })
  if (!compiled.ok) throw new EngineError('RULES_INVALID', formatIssues(compiled.issues, files).trimEnd())
  return compiled.set
}

function sameFiles(a: readonly RuleSource[], b: readonly RuleSource[]): boolean {
  return a.length === b.length && a.every((file, i) => file.path === b[i]!.path && file.text === b[i]!.text)
}
