import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { EngineError } from '../model/errors.ts'
import type { RuleSet } from '../model/rule.ts'
import { compileOrRefuse } from './compiled.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { deriveAlert } from './explain/alert.ts'
import { liveKey } from './explain/live.ts'
import { type Explained, needsOf } from './explain/needs.ts'
import { derivedText, liveText, needsText } from './explain/print.ts'
import { reading } from './explain/source.ts'
import { configOption, type Verb } from './options.ts'
import { readRuleFiles } from './rule-files.ts'

interface ExplainOptions {
  readonly config?: string
  readonly rules?: readonly string[]
  readonly data?: string
  readonly key?: readonly string[]
  readonly alert?: string
  readonly json?: boolean
}

export function addExplain(program: Command, verb: Verb): void {
  program
    .command('explain')
    .description('what a rule needs and costs; what it knows of a key; how an alert came about')
    .argument('[rule]', 'RULE or RULE@VERSION')
    .option(
      '--key <field=value...>',
      "the key's live measures as the log has them, local or Kafka, and what is missing to fire",
    )
    .option('--alert <id>', 'derive that alert again from the log, local or Kafka; the beginning of its id is enough')
    .option('--rules <path...>', 'rule files, and folders of them, in place of the configured ones')
    .option('--data <folder>', 'folder of a local log, in place of the configured log')
    .addOption(configOption())
    .option('--json', 'one JSON object')
    .action(verb(explain))
}

async function explain(name: string | undefined, options: ExplainOptions): Promise<ExitCode> {
  const { rules, data, key, alert, json } = options
  const config = loadConfig({ path: options.config, env: process.env, overrides: { rules, data } })
  const { streams } = config
  const print = <T extends object>(what: T, text: (what: T) => string): ExitCode => {
    say(`${json ? JSON.stringify(what) : text(what)}\n`)
    return EXIT.fine
  }
  if (alert !== undefined) {
    if (name !== undefined || key) throw new EngineError('USAGE', '--alert stands alone: the alert names its rule')
    const configured = readRuleFiles(config.rules)
    return print(await reading(config, data, (log) => deriveAlert(log, streams, alert, configured)), derivedText)
  }
  if (name === undefined) throw new EngineError('USAGE', 'a rule is wanted, or --alert ID')
  const [id, version] = nameParts(name)
  if (key) {
    const isMeant = (rule: { id: string; version: number }) =>
      rule.id === id && (version ?? rule.version) === rule.version
    return print(await reading(config, data, (log) => liveKey(log, streams, isMeant, keyOf(key))), liveText)
  }
  const { set } = compileOrRefuse(readRuleFiles(config.rules), streams)
  return print(needsOf(found(set, id, version), set, streams), needsText)
}

function nameParts(text: string): [id: string, version: number | null] {
  const match = /^([a-z][a-z0-9_]*)(?:@(\d+))?$/.exec(text)
  if (!match) throw new EngineError('USAGE', `${text}: RULE or RULE@VERSION is wanted`)
  return [match[1]!, match[2] === undefined ? null : Number(match[2])]
}

function keyOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts
    .flatMap((text) => text.split(','))
    .map((text) => {
      const at = text.indexOf('=')
      if (at <= 0) throw new EngineError('USAGE', `--key ${text}: field=value is wanted`)
      return [text.slice(0, at).trim(), text.slice(at + 1)] as const
    })
  return Object.fromEntries(pairs)
}

/** Of several versions the live one. */
function found({ rules, sequences, rankings, features }: RuleSet, id: string, version: number | null): Explained {
  const all: Explained[] = [...rules, ...sequences, ...rankings, ...features]
  const mine = all.filter((d) => d.id === id && (version === null || d.version === version))
  const best = mine.find((d) => d.mode === 'live') ?? mine[0]
  if (best) return best
  const names = all.map((d) => `${d.id}@${d.version}`).join(', ')
  throw new EngineError(
    'USAGE',
    `there is no rule, ranking or feature "${id}" that is live or shadow; there are ${names || 'none'}`,
  )
}
