import { statSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import type { RuleSource } from '../model/block.ts'
import { EngineError } from '../model/errors.ts'
import type { RuleSet } from '../model/rule.ts'
import {
  type Compiled,
  compileRuleSet,
  formatIssues,
  formatIssuesGithub,
  formatIssuesJson,
  formatIssuesSarif,
} from '../rules/index.ts'
import { costDoubts, exchangesLine, KEY_BYTES_MAX, stateLine } from './check/costs.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, oneOf, type Verb, wholeNumber } from './options.ts'
import { readRuleFiles } from './rule-files.ts'
import { junitOfIssues } from './rule-test/junit.ts'

const FORMATS = ['text', 'json', 'github', 'sarif', 'junit'] as const

interface CheckOptions {
  readonly config?: string
  readonly denyWarnings?: boolean
  readonly now?: number
  readonly format: (typeof FORMATS)[number]
  readonly json?: boolean
  readonly maxKeyBytes?: number
}

export function addCheck(program: Command, verb: Verb): void {
  program
    .command('check')
    .description('find every fault in rule files: syntax, types, names; and what is doubtful')
    .argument('<path...>', 'rule files, and folders of them')
    .addOption(configOption())
    .option('--deny-warnings', 'exit with 3 when there are warnings and nothing worse')
    .option('--now <date>', 'the day on which exceptions must still hold; else today', dateMs)
    .option(
      '--max-key-bytes <n>',
      `how much a rule may keep for each key, by estimate (default: ${KEY_BYTES_MAX})`,
      wholeNumber,
    )
    .addOption(oneOf('--format <format>', 'how faults are printed', FORMATS))
    .option('--json', 'the same as --format json')
    .action(verb(check))
}

/** Faults are what was asked for: they go to standard output. */
export function check(paths: readonly string[], options: CheckOptions): ExitCode {
  let config: Config
  try {
    config = loadConfig({ path: options.config, env: process.env })
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'CONFIG_INVALID') throw error
    say(`${error.message}\n`)
    return EXIT.failed
  }
  const files = readRuleFiles(paths, { tests: true })
  const whole = paths.every((path) => statSync(path).isDirectory())
  const { streams, log } = config
  const limits = { keyBytesMax: options.maxKeyBytes ?? KEY_BYTES_MAX, exchangesCost: log.kind === 'kafka' }
  const costs = (set: RuleSet) => costDoubts(set, streams, limits)
  const compiled = compileRuleSet(files, { streams, lint: { nowMs: options.now ?? Date.now(), whole, costs } })
  say(formatted(compiled, files, config, options.json ? 'json' : options.format))
  if (!compiled.ok) return EXIT.failed
  return options.denyWarnings && compiled.issues.length > 0 ? EXIT.onlyWarnings : EXIT.fine
}

function formatted(
  compiled: Compiled,
  files: readonly RuleSource[],
  config: Config,
  format: CheckOptions['format'],
): string {
  const { issues } = compiled
  switch (format) {
    case 'text':
      return asText(compiled, files, config)
    case 'json':
      return formatIssuesJson(issues)
    case 'github':
      return formatIssuesGithub(issues)
    case 'sarif':
      return formatIssuesSarif(issues)
    case 'junit':
      return junitOfIssues(issues, files, formatIssues)
  }
}

function asText(compiled: Compiled, files: readonly RuleSource[], { streams, log, exchange }: Config): string {
  const { issues } = compiled
  const issuesText = issues.length === 0 ? '' : `${formatIssues(issues, files)}\n`
  const errors = issues.filter((i) => i.severity === 'error').length
  const faults = `${counted(errors, 'error')}, ${counted(issues.length - errors, 'warning')}`
  if (!compiled.ok) return `${issuesText}${counted(files.length, 'file')}: ${faults}\n`
  const { set, tests, notes } = compiled
  const notesText = notes.map((n) => `${n.file}:${n.line}:${n.column}: note: ${n.message}\n`).join('')
  const lines = [
    stateLine(set, streams),
    log.kind === 'kafka' ? exchangesLine(set, streams, exchange.partitions) : null,
  ]
  const linesText = lines.map((line) => (line === null ? '' : `${line}\n`)).join('')
  const parts = [
    counted(set.rules.length + set.sequences.length, 'rule'),
    counted(set.rankings.length, 'ranking'),
    ...(set.features.length > 0 ? [counted(set.features.length, 'feature')] : []),
    counted(set.lists.length, 'list'),
    counted(tests.length, 'test'),
  ]
  return `${issuesText}${notesText}${linesText}${counted(files.length, 'file')}, ${parts.join(', ')}: ${issues.length === 0 ? 'no faults' : faults}\n`
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

function dateMs(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It is no date in UTC, such as 2027-12-31.')
  return ms
}
