import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import type { RuleSource } from '../model/block.ts'
import type { ControlStore } from '../model/control.ts'
import { EngineError } from '../model/errors.ts'
import type { RuleSet } from '../model/rule.ts'
import { textHash } from '../model/rule-text.ts'
import { compileRuleSet, formatIssues } from '../rules/index.ts'
import { compileOrRefuse } from './compiled.ts'
import { waited, withControl } from './control.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, positiveNumber, type Verb } from './options.ts'
import { readRuleFiles } from './rule-files.ts'

interface PushOptions {
  readonly config?: string
  readonly data?: string
  readonly wait: number
  readonly json?: boolean
}

/** What became of a rule set that was pushed. */
type PushState = 'in force' | 'unchanged' | 'waiting' | 'no engine' | 'refused'

interface Pushed {
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
  const pushing = { config, files, isConfigured: paths.length === 0, waitMs: options.wait * 1_000 }
  const pushed = await withControl(config, (control) => pushTo(control, pushing))
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

async function pushTo(control: ControlStore, { config, files, isConfigured, waitMs }: Pushing): Promise<Pushed> {
  const before = await control.last()
  const { hash, rules, rankings, sequences } = raisedOrRefuse(files, before.files, config.streams)
  const count = rules.length + rankings.length + sequences.length
  const said = (state: PushState, detail: string): Pushed => ({
    ...{ state, hash, rules: count },
    detail: `${count} rules and rankings, hash ${hash}: ${detail}`,
  })
  const text = textHash(files)
  const isSame = textHash(before.files) === text && !control.isSpoilt
  const configured = isConfigured ? text : before.configured
  if (isSame && configured === before.configured) return said('unchanged', 'nothing to change')
  const asked = await control.put({ files, configured, atMs: Date.now() })
  if (isSame) return said('unchanged', 'nothing to change') // noted as the configured ones
  const reception = await waited(asked, waitMs)
  if (reception === 'taken') return said('in force', 'in force')
  if (reception === 'no engine') return said(reception, `no ${control.engine}, its next start will take them`)
  if (reception === 'waiting') return said(reception, 'the engine has not come to them yet; it will, in order')
  return said('refused', `the engine refused them${reception.refused}`)
}

/** The set of `files`; EngineError RULES_INVALID when it cannot take the place of what `before` says. */
function raisedOrRefuse(
  files: readonly RuleSource[],
  before: readonly RuleSource[],
  streams: Config['streams'],
): RuleSet {
  const inForce = compileRuleSet(before, { streams })
  const compiled = compileRuleSet(files, { streams, ...(inForce.ok ? { inForce: inForce.set } : {}) })
  if (!compiled.ok) throw new EngineError('RULES_INVALID', formatIssues(compiled.issues, files).trimEnd())
  return compiled.set
}
