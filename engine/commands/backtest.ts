import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { JsonLinesWriter } from '../edge/files/write.ts'
import { EngineError } from '../model/errors.ts'
import type { Output } from '../model/output.ts'
import type { RuleSet } from '../model/rule.ts'
import { type Setting, settingsOf } from './backtest/sets.ts'
import { labelTable, percent, table } from './backtest/table.ts'
import { compileOrRefuse } from './compiled.ts'
import { EXIT, type ExitCode, talk } from './exit.ts'
import { FiniteInput, type InputOptions, type Until, untilOption } from './finite/input.ts'
import { type LabelScore, readLabels } from './finite/labels.ts'
import { type Played, playFinite } from './finite/play.ts'
import { Summary } from './finite/summary.ts'
import { configOption, type Verb } from './options.ts'
import { readRuleFiles } from './rule-files.ts'

const KINDS = { alerts: 'alert', rankings: 'ranking', measures: 'measures' } as const

interface BacktestOptions extends InputOptions {
  readonly config?: string
  readonly set?: readonly string[]
  readonly labels?: string
  readonly measures?: boolean
  readonly only?: keyof typeof KINDS
  readonly until?: Until
  readonly json?: boolean
}

export function addBacktest(program: Command, verb: Verb): void {
  program
    .command('backtest')
    .description('run rules over history; results on standard output, a summary on standard error')
    .argument('<path...>', 'rule files, and folders of them')
    .requiredOption('--input <file>', 'JSON lines or CSV, plain or gzip; - is standard input')
    .option('--stream <name>', 'the stream that all records belong to')
    .option('--set <param=values...>', "params in place of the files'; several values: a table of all combinations")
    .option('--labels <file>', 'CSV event_id,label (0 = good): recall and precision for each label')
    .option('--measures', 'add the measures of each event that a rule took')
    .addOption(onlyOption(program))
    .option('--sort', 'put the events in order of time first')
    .option('--strict', 'end at the first malformed record')
    .addOption(untilOption())
    .addOption(configOption())
    .option('--json', 'the table of a sweep as JSON lines')
    .action(verb(backtest))
}

function onlyOption(program: Command) {
  return program.createOption('--only <kind>', 'only these results').choices(Object.keys(KINDS))
}

interface Run {
  readonly summary: Summary
  readonly played: Played
  readonly malformed: number
  readonly scores: readonly LabelScore[]
}

async function backtest(paths: readonly string[], options: BacktestOptions): Promise<ExitCode> {
  const { streams } = loadConfig({ path: options.config, env: process.env })
  const files = readRuleFiles(paths)
  const { set } = compileOrRefuse(files, streams)
  const settings = settingsOf(options.set ?? [], set)
  if (settings.length > 1 && options.input === '-')
    throw new EngineError('USAGE', 'standard input can be read once only: give a file to try several values')
  const stdout = new JsonLinesWriter(process.stdout)
  const runOne = async (ruleSet: RuleSet, writer: JsonLinesWriter | null): Promise<Run> => {
    const labels = options.labels === undefined ? null : await readLabels(options.labels)
    const input = new FiniteInput(options, streams)
    const summary = new Summary()
    const isWanted = (o: Output) =>
      options.only ? o.kind === KINDS[options.only] : printsMeasures(options) || o.kind !== 'measures'
    const play = {
      input,
      streams,
      set: ruleSet,
      until: options.until ?? 'drained',
      measures: labels !== null || printsMeasures(options),
    }
    const played = await playFinite(play, async (outputs) => {
      for (const output of outputs) {
        summary.add(output)
        if (labels && output.kind === 'measures' && output.matched) labels.flag(output.event_id)
      }
      await writer?.write(outputs.filter(isWanted))
      return !writer?.broken
    })
    return { summary, played, malformed: input.malformed, scores: labels?.scores() ?? [] }
  }
  const compiled = (setting: Setting) => compileOrRefuse(files, streams, { params: setting.params }).set
  if (settings.length === 1) {
    const { summary, played, malformed, scores } = await runOne(compiled(settings[0]!), stdout)
    await stdout.flush()
    talk(summary.text(played, malformed))
    if (scores.length > 0) talk(labelTable(scores))
    return EXIT.fine
  }
  const sets = settings.map(compiled)
  const runs: Run[] = []
  for (const ruleSet of sets) runs.push(await runOne(ruleSet, null))
  const rows = settings.map(({ values }, i) => sweepRow(values, runs[i]!))
  if (options.json) await stdout.write(rows)
  else process.stdout.write(`${sweepTable(rows)}\n`)
  await stdout.flush()
  return EXIT.fine
}

function printsMeasures({ measures, only }: BacktestOptions): boolean {
  return measures === true || only === 'measures'
}

type SweepRow = Readonly<Record<string, unknown>>

function sweepRow(values: Setting['values'], { summary, played, scores }: Run): SweepRow {
  const abstained = played.counters.total('abstained_total')
  const row = { ...values, alerts: summary.alerts, keys: summary.keys, abstained }
  const shares = scores.flatMap((s) => [
    [`recall ${s.label}`, s.recall],
    [`precision ${s.label}`, s.precision],
  ])
  return { ...row, ...Object.fromEntries(shares) }
}

function sweepTable(rows: readonly SweepRow[]): string {
  const names = Object.keys(rows[0]!)
  const cell = (name: string, value: unknown) =>
    /^(recall|precision) /.test(name) ? percent(value as number | null) : String(value)
  return table([names, ...rows.map((row) => names.map((name) => cell(name, row[name])))])
}
