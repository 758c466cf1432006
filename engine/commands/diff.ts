import { type Command, InvalidArgumentError } from 'commander'
import { loadConfig } from '../config.ts'
import { JsonLinesWriter } from '../edge/files/write.ts'
import { EngineError } from '../model/errors.ts'
import type { AlertRecord } from '../model/output.ts'
import type { Rule, RuleSet, SequenceRule } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { Progress } from './backtest/progress.ts'
import { table } from './backtest/table.ts'
import { compileOrRefuse } from './compiled.ts'
import { feedersOf } from './diff/feeders.ts'
import { compareLives, type Life, Lives, type Pair } from './diff/lives.ts'
import { EXIT, type ExitCode, talkLines } from './exit.ts'
import { cacheFolderOf, cacheOptions, FiniteInput, type InputOptions, type Until, untilOption } from './finite/input.ts'
import { playFinite } from './finite/play.ts'
import { configOption, jsonAlways, type Verb } from './options.ts'
import { readRuleFiles } from './rule-files.ts'

interface DiffOptions extends InputOptions {
  readonly config?: string
  readonly rules?: readonly string[]
  readonly old?: readonly string[]
  readonly new?: readonly string[]
  readonly cache?: string | boolean
  readonly until?: Until
}

/** `RULE@1`, or `RULE` where there is but one version. */
interface RuleName {
  readonly id: string
  readonly version: number | null
}

export function addDiff(program: Command, verb: Verb): void {
  const command = program
    .command('diff')
    .description('two versions of a rule over one history: alerts only in the old, only in the new, in both')
    .argument('<old>', 'RULE@VERSION, or RULE where there is one version', ruleName)
    .argument('<new>', 'the same, of the other one', ruleName)
    .requiredOption('--input <file>', 'JSON lines or CSV, plain or gzip')
    .option('--rules <path...>', 'where both are, in place of the configured rule files')
    .option('--old <path...>', 'where the old one is')
    .option('--new <path...>', 'where the new one is')
    .option('--stream <name>', 'the stream that all records belong to')
    .option('--sort', 'put the events in order of time first')
    .option('--strict', 'end at the first malformed record')
    .addOption(untilOption())
    .addOption(configOption())
    .addOption(jsonAlways())
  for (const option of cacheOptions()) command.addOption(option)
  command.action(verb(diff))
}

async function diff(oldName: RuleName, newName: RuleName, options: DiffOptions): Promise<ExitCode> {
  const { streams, rules, data, limits } = loadConfig({ path: options.config, env: process.env })
  if (options.input === '-') throw new EngineError('USAGE', 'standard input can be read once only: give a file')
  const common = options.rules ?? rules
  const sides = [
    sideOf(oldName, options.old ?? common, streams),
    sideOf(newName, options.new ?? common, streams),
  ] as const
  const progress = new Progress()
  const lives: Life[][] = []
  for (const { name, rule, set } of sides) {
    const reading = { ...options, guarded: true, again: lives.length > 0, ...cacheFolderOf(options.cache, data) }
    const input = new FiniteInput(reading, streams)
    const found = new Lives()
    progress.begin()
    const onProgress = (rows: number, timeMs: number) => progress.at(rows, input.share, timeMs, `${shown(name)}: `)
    const play = { input, streams, set, until: options.until ?? 'drained', measures: false, limits, onProgress }
    await playFinite(play, async (outputs) => {
      for (const output of outputs) if (output.kind === 'alert' && isOf(output, rule)) found.add(output)
      return true
    })
    progress.end()
    lives.push(found.all())
  }
  const pairs = compareLives(lives[0]!, lives[1]!)
  const stdout = new JsonLinesWriter(process.stdout)
  await stdout.write(pairs.map(asLine))
  await stdout.flush()
  talkLines(summaryTable(pairs))
  return EXIT.fine
}

function isOf(alert: AlertRecord, { id, version }: Rule | SequenceRule): boolean {
  return alert.rule === id && alert.version === version
}

function asLine({ where, key, violation, before, after }: Pair): object {
  const short = ({ open, closed }: Life) => ({
    alert_id: open.alert_id,
    severity: closed?.severity ?? open.severity,
    first_seen: open.first_seen,
    last_seen: (closed ?? open).last_seen,
    explain: (closed ?? open).explain,
    measures: (closed ?? open).measures,
  })
  return { kind: 'diff', where, key, violation, old: before.map(short), new: after.map(short) }
}

function summaryTable(pairs: readonly Pair[]): string {
  const rows = (['old', 'new', 'both'] as const).map((where) => {
    const mine = pairs.filter((pair) => pair.where === where)
    const count = (lives: readonly (readonly Life[])[]) => lives.reduce((sum, some) => sum + some.length, 0)
    const keys = new Set(mine.map((pair) => JSON.stringify(pair.key))).size
    const name = where === 'both' ? 'in both' : `only in the ${where}`
    return [name, `${count(mine.map((p) => p.before))}`, `${count(mine.map((p) => p.after))}`, String(keys)]
  })
  return table([['', 'old alerts', 'new alerts', 'keys'], ...rows])
}

interface Side {
  readonly name: RuleName
  readonly rule: Rule | SequenceRule
  readonly set: RuleSet
}

/**
 * The set with nothing but that rule, the lists, and what feeds those that it reads. EngineError USAGE when it is not
 * there, or not the only one.
 */
function sideOf(name: RuleName, paths: readonly string[], streams: readonly Stream[]): Side {
  const { set } = compileOrRefuse(readRuleFiles(paths), streams)
  const isMeant = (d: Rule | SequenceRule) => d.id === name.id && (name.version === null || d.version === name.version)
  const rules = set.rules.filter(isMeant)
  const sequences = set.sequences.filter(isMeant)
  const found = rules.length + sequences.length
  const all = [...set.rules, ...set.sequences].map((d) => `${d.id}@${d.version}`).join(', ')
  if (found === 0)
    throw new EngineError('USAGE', `there is no rule ${shown(name)} that is live or shadow; there are ${all || 'none'}`)
  if (found > 1)
    throw new EngineError('USAGE', `${name.id} has several versions (${all}): say which, as in ${name.id}@1`)
  const [rule] = [...rules, ...sequences]
  const kept: readonly (Rule | SequenceRule)[] = [rule!, ...feedersOf(rule!, set)]
  const only = <D extends Rule | SequenceRule>(all: readonly D[]): D[] => all.filter((d) => kept.includes(d))
  const hash = `${set.hash} ${shown(name)}`
  return {
    name,
    rule: rule!,
    set: { ...set, hash, rules: only(set.rules), sequences: only(set.sequences), rankings: [] },
  }
}

function shown({ id, version }: RuleName): string {
  return version === null ? id : `${id}@${version}`
}

function ruleName(text: string): RuleName {
  const match = /^([a-z][a-z0-9_]*)(?:@(\d+))?$/.exec(text)
  if (!match) throw new InvalidArgumentError('RULE or RULE@VERSION is wanted.')
  return { id: match[1]!, version: match[2] === undefined ? null : Number(match[2]) }
}
