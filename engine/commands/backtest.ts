import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { JsonLinesWriter } from '../edge/files/write.ts'
import { EngineError } from '../model/errors.ts'
import type { Output } from '../model/output.ts'
import { overBudget } from './backtest/budget.ts'
import { type InputsOptions, inputsOf } from './backtest/inputs.ts'
import { Progress } from './backtest/progress.ts'
import { wantWritable, writeReport } from './backtest/report/file.ts'
import { reportPage } from './backtest/report/page.ts'
import { type Run, runBacktest } from './backtest/run.ts'
import { type Setting, settingsOf } from './backtest/sets.ts'
import { type SweepRow, settingName, sweepJson, sweepRows, sweepTable } from './backtest/sweep.ts'
import { labelTable } from './backtest/table.ts'
import { compileOrRefuse } from './compiled.ts'
import { EXIT, type ExitCode, talk, talkLines } from './exit.ts'
import { cacheOptions, encodingOption, timeOption, type Until, untilOption } from './finite/input.ts'
import { readLabels } from './finite/labels.ts'
import { mostlyLeftOut } from './finite/summary.ts'
import { configOption, positiveNumber, type Verb } from './options.ts'
import { readRuleFiles } from './rule-files.ts'

const KINDS = { alerts: 'alert', rankings: 'ranking', measures: 'measures' } as const

interface BacktestOptions extends InputsOptions {
  readonly config?: string
  readonly data?: string
  readonly set?: readonly string[]
  readonly labels?: string
  readonly good?: readonly string[]
  readonly measures?: boolean
  readonly only?: keyof typeof KINDS
  readonly until?: Until
  readonly maxAlertsPerDay?: number
  readonly report?: string
  readonly json?: boolean
}

export function addBacktest(program: Command, verb: Verb): void {
  const command = program
    .command('backtest')
    .description('run rules over history; results on standard output, a summary on standard error')
    .argument('<path...>', 'rule files, and folders of them')
    .option('--input <file>', 'JSON lines or CSV, plain or gzip; - is standard input')
    .option('--from <time>', 'events from then on; without --input those of the log', timeOption('--from'))
    .option('--to <time>', 'events before then; without --input those of the log', timeOption('--to'))
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--stream <name>', 'the stream that all records belong to')
    .addOption(encodingOption())
    .option('--set <param=values...>', "params in place of the files'; several values: a table of all combinations")
    .option('--labels <file>', 'CSV event_id,label[,group] (0 = good): recall and precision for each label')
    .option('--good <labels...>', 'labels of honest events, besides 0')
    .option('--measures', 'add the measures of each event that a rule took')
    .addOption(program.createOption('--only <kind>', 'only these results').choices(Object.keys(KINDS)))
    .option('--max-alerts-per-day <number>', 'exit with 1 when a rule opens more on any day (UTC)', positiveNumber)
    .option('--report <file>', 'write what came out as one HTML page')
    .option('--sort', 'put the events in order of time first')
    .option('--strict', 'end at the first malformed record')
    .addOption(untilOption())
    .addOption(configOption())
    .option('--json', 'the table of a sweep as JSON lines')
  for (const option of cacheOptions()) command.addOption(option)
  command.action(verb(backtest))
}

async function backtest(paths: readonly string[], options: BacktestOptions): Promise<ExitCode> {
  const config = loadConfig({ path: options.config, env: process.env, overrides: { data: options.data } })
  const { streams } = config
  const files = readRuleFiles(paths)
  const settings = settingsOf(options.set ?? [], compileOrRefuse(files, streams).set)
  if (settings.length > 1 && options.input === '-')
    throw new EngineError('USAGE', 'standard input can be read once only: give a file to try several values')
  if (options.report !== undefined) wantWritable(options.report)
  const sets = settings.map(({ params }) => compileOrRefuse(files, streams, { params }).set)
  const labels = options.labels === undefined ? null : await readLabels(options.labels, options.good)
  const isSweep = settings.length > 1
  const stdout = new JsonLinesWriter(process.stdout)
  const progress = new Progress()
  const inputs = await inputsOf(options, config, sets[0]!)
  const runs: Run[] = []
  try {
    for (const [i, set] of sets.entries()) {
      const what = isSweep ? `${settingName(settings[i]!.values)} (${i + 1} of ${sets.length}): ` : ''
      const run = await runBacktest({
        input: inputs.fresh(),
        streams,
        set,
        until: options.until ?? 'drained',
        measures: printsMeasures(options),
        limits: config.limits,
        labels: labels?.fresh() ?? null,
        isWanted: (output) => isWanted(output, options),
        writer: isSweep ? null : stdout,
        progress,
        what,
      })
      runs.push(run)
    }
  } finally {
    await inputs.close()
  }
  const rows = sweepRows(settings, runs)
  if (isSweep) await printSweep(rows, options, stdout)
  await stdout.flush()
  if (!isSweep) printSummary(runs[0]!)
  if (runs[0]!.labelsLeftOut > 0) talk(leftOut(runs[0]!))
  if (options.report !== undefined) writeReport(options.report, reportPage(rows))
  const why = mostlyLeftOut(runs[0]!.played, runs[0]!.input)
  if (why !== null) talk(why)
  const withinBudget = checkBudget(settings, runs, options.maxAlertsPerDay)
  return why === null ? withinBudget : EXIT.failed
}

function printsMeasures({ measures, only }: BacktestOptions): boolean {
  return measures === true || only === 'measures'
}

function isWanted({ kind }: Output, options: BacktestOptions): boolean {
  if (options.only) return kind === KINDS[options.only]
  return kind !== 'measures' || printsMeasures(options)
}

async function printSweep(
  rows: readonly SweepRow[],
  { json }: BacktestOptions,
  stdout: JsonLinesWriter,
): Promise<void> {
  if (json) await stdout.write(sweepJson(rows))
  else process.stdout.write(`${sweepTable(rows)}\n`)
}

function printSummary({ summary, played, input, scores }: Run): void {
  talkLines(summary.text(played, input))
  if (scores.length > 0) talkLines(labelTable(scores))
}

function leftOut({ labelsLeftOut, scores }: Run): string {
  const counted = scores.some(({ events }) => events > 0)
  return counted
    ? `${labelsLeftOut} labels are of events that are not in the input: they are left out`
    : 'no label is of an event in the input: is it the file of other events?'
}

/** Says which rules were over it, and on which day. */
function checkBudget(settings: readonly Setting[], runs: readonly Run[], alertsMax: number | undefined): ExitCode {
  if (alertsMax === undefined) return EXIT.fine
  const excesses = runs.flatMap(({ summary }, i) =>
    overBudget(summary, alertsMax).map(({ rule, day, alerts }) => {
      const values = settingName(settings[i]!.values)
      return `over budget: ${rule}${values === '' ? '' : ` with ${values}`}: ${alerts} alerts on ${day}, ${alertsMax} a day are allowed`
    }),
  )
  for (const line of excesses) talk(line)
  return excesses.length > 0 ? EXIT.failed : EXIT.fine
}
