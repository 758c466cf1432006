#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addAlerts } from './commands/alerts.ts'
import { addBacktest } from './commands/backtest.ts'
import { addCheck } from './commands/check.ts'
import { addCompletion } from './commands/completion.ts'
import { addDev } from './commands/dev.ts'
import { addDiff } from './commands/diff.ts'
import { addDlq } from './commands/dlq.ts'
import { addDoctor } from './commands/doctor.ts'
import { EXIT, type ExitCode, explainFailure } from './commands/exit.ts'
import { addExplain } from './commands/explain.ts'
import { addInfer } from './commands/infer.ts'
import { addIngest } from './commands/ingest.ts'
import { addInit } from './commands/init.ts'
import { addLists } from './commands/lists.ts'
import type { Verb } from './commands/options.ts'
import { addRules } from './commands/rules-push.ts'
import { addRun } from './commands/run.ts'
import { addSchema } from './commands/schema.ts'
import { addSimulate } from './commands/simulate.ts'
import { addSkip } from './commands/skip.ts'
import { addTap } from './commands/tap.ts'
import { addTest } from './commands/test.ts'
import { addTop } from './commands/top.ts'
import { packagePath } from './kit/package-path.ts'

const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string }

let outcome: ExitCode = EXIT.fine
const verb: Verb =
  (run) =>
  async (...args) => {
    outcome = await run(...args)
  }

const program = new Command('lapwing')
  .description('Stream-processing risk engine: rules in YAML, exact sliding windows, alerts in milliseconds')
  .version(version)
  .showHelpAfterError('(lapwing --help, or lapwing VERB --help, tells more)')
  .exitOverride()

addDev(program, verb)
addRun(program, verb)
addCheck(program, verb)
addTest(program, verb)
addBacktest(program, verb)
addDiff(program, verb)
addExplain(program, verb)
addIngest(program, verb)
addInfer(program, verb)
addInit(program, verb)
addSimulate(program, verb)
addTap(program, verb)
addRules(program, verb)
addLists(program, verb)
addAlerts(program, verb)
addTop(program, verb)
addDlq(program, verb)
addDoctor(program, verb)
addSchema(program, verb)
addSkip(program, verb)
addCompletion(program, verb)

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return // whoever read has seen enough
  process.stderr.write(`lapwing: standard output cannot be written: ${error.message}\n`)
  process.exit(EXIT.couldNotRun)
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) outcome = error.exitCode === 0 ? EXIT.fine : EXIT.couldNotRun
  else outcome = explainFailure(error)
}
process.exitCode = outcome
