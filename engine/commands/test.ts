import { type Command, Option } from 'commander'
import { loadConfig } from '../config.ts'
import { EngineError } from '../model/errors.ts'
import { hasEvents, type RuleTest } from '../rules/index.ts'
import { compileOrRefuse, type Sound } from './compiled.ts'
import { EXIT, type ExitCode, say, talk } from './exit.ts'
import { configOption, oneOf, regularExpression, type Verb, wholeNumber } from './options.ts'
import { readRuleFiles } from './rule-files.ts'
import { junitOfTests } from './rule-test/junit.ts'
import { failureText, resultJson } from './rule-test/report.ts'
import { runRuleTest } from './rule-test/run.ts'
import { offerUpdate } from './rule-test/update/offer.ts'
import { updateExpectations } from './rule-test/update/update.ts'

interface TestOptions {
  readonly config?: string
  readonly run?: RegExp
  readonly minTests?: number
  readonly json?: boolean
  readonly format: 'text' | 'junit'
  readonly update?: boolean
  readonly yes?: boolean
}

export function addTest(program: Command, verb: Verb): void {
  program
    .command('test')
    .description('run the tests that stand in rule files')
    .argument('<path...>', 'rule files, and folders of them')
    .addOption(configOption())
    .option('--run <regex>', 'only tests whose "rule: name" matches', regularExpression)
    .option(
      '--min-tests <n>',
      'each rule must have as many: from 2 on, one that alerts and one that is quiet',
      wholeNumber,
    )
    .option('--json', 'a JSON line for each test')
    .addOption(oneOf('--format <format>', 'how results are printed', ['text', 'junit']))
    .addOption(
      new Option(
        '--update',
        'show what the expectations of failed tests would have to say, and write it when told to',
      ).conflicts(['json', 'format']),
    )
    .option('--yes', 'with --update: write without asking')
    .action(verb(test))
}

export async function test(paths: readonly string[], options: TestOptions): Promise<ExitCode> {
  if (options.yes && !options.update) throw new EngineError('USAGE', '--yes goes with --update')
  const { streams } = loadConfig({ path: options.config, env: process.env })
  const files = readRuleFiles(paths, { tests: true })
  const compiled = compileOrRefuse(files, streams)
  const chosen = compiled.tests.filter((t) => options.run?.test(`${t.rule}: ${t.name}`) ?? true)
  if (options.run && chosen.length === 0) {
    const names = compiled.tests.slice(0, 5).map((t) => `"${t.rule}: ${t.name}"`)
    const there = names.length > 0 ? `such as ${names.join(', ')}` : 'there are none'
    throw new EngineError('USAGE', `--run ${options.run.source}: no test is called that; ${there}`)
  }
  const results = chosen.map((t) => runRuleTest(compiled.set, t, streams))
  const failed = results.filter((r) => !r.ok)
  if (options.update) return offerUpdate(updateExpectations(files, failed, streams), files, options.yes === true)
  if (options.json) for (const r of results) say(`${JSON.stringify(resultJson(r))}\n`)
  else if (options.format === 'junit') say(junitOfTests(results))
  else for (const r of failed) say(`${failureText(r)}\n`)
  const off = new Set(compiled.testsOff.map((t) => `${t.rule}@${t.version}`))
  if (off.size > 0)
    talk(`${compiled.testsOff.length} tests are not run, for what they test is off: ${[...off].join(', ')}`)
  const lacking = lackingTests(compiled, options.minTests ?? 0)
  for (const line of lacking) talk(line)
  const rules = new Set(chosen.map((t) => `${t.rule}@${t.version}`)).size
  const summary = `${results.length - failed.length} of ${results.length} tests passed, of ${rules} ${rules === 1 ? 'rule' : 'rules'}`
  if (options.json || options.format === 'junit') talk(summary)
  else say(`${summary}\n`)
  return failed.length > 0 || lacking.length > 0 ? EXIT.failed : EXIT.fine
}

/** What each rule and ranking lacks of `least` tests. */
function lackingTests({ set, tests }: Sound, least: number): string[] {
  if (least === 0) return []
  return [...set.rules, ...set.sequences, ...set.rankings].flatMap(({ id, version }) => {
    const own = tests.filter((t) => t.rule === id && t.version === version)
    if (own.length < least) return [`${id}@${version}: ${own.length} tests, at least ${least} are asked for`]
    if (least < 2) return []
    const missing = [
      ...(own.some(expectsSome) ? [] : ['one that alerts']),
      ...(own.some((t) => hasEvents(t) && !expectsSome(t)) ? [] : ['one that stays quiet']),
    ]
    return missing.map((what) => `${id}@${version}: no test of its kind: ${what}`)
  })
}

function expectsSome(test: RuleTest): boolean {
  return (test.expect?.length ?? 0) > 0
}
