import { type Command, Option } from 'commander'
import { printable } from '../kit/printable.ts'
import { EngineError } from '../model/errors.ts'
import type { AlertRecord } from '../model/output.ts'
import { SEVERITIES, type Severity } from '../model/rule.ts'
import { sentenceOf } from './dev/view.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, type Verb, wholeNumber } from './options.ts'
import { configOf, newestOutputs, type OutputsOptions } from './outputs.ts'

interface AlertsOptions extends OutputsOptions {
  readonly open?: boolean
  readonly shadow?: boolean
  readonly rule?: string
  readonly key?: readonly string[]
  readonly severity?: Severity
  readonly limit: number
  readonly json?: boolean
}

export function addAlerts(program: Command, verb: Verb): void {
  program
    .command('alerts')
    .description('the newest alerts, each as it stands now')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--open', 'only those that are not closed')
    .option('--shadow', 'those of rules in shadow mode')
    .option('--rule <id>', 'of one rule')
    .option('--key <name=value...>', 'of one key')
    .addOption(new Option('--severity <level>', 'of this severity or above').choices(SEVERITIES))
    .option('--limit <n>', 'how many at most', wholeNumber, 20)
    .option('--json', 'JSON lines, as the engine wrote them')
    .action(verb(alerts))
}

async function alerts(options: AlertsOptions): Promise<ExitCode> {
  const wanted = filterOf(options)
  const seen = new Set<string>()
  const found: AlertRecord[] = []
  await newestOutputs(configOf(options), options.shadow ? 'shadow' : 'alerts', (output) => {
    const alert = output as AlertRecord
    if (!seen.has(alert.alert_id) && wanted(alert)) found.push(alert)
    seen.add(alert.alert_id) // the newest record of an alert says how it stands
    return found.length < options.limit
  })
  say(found.map((a) => `${options.json ? JSON.stringify(a) : lineOf(a)}\n`).join(''))
  return EXIT.fine
}

function filterOf({ open, rule, key = [], severity }: AlertsOptions): (alert: AlertRecord) => boolean {
  const parts = key.map((text): [string, string] => {
    const at = text.indexOf('=')
    if (at < 1) throw new EngineError('USAGE', `--key ${text}: write name=value`)
    return [text.slice(0, at), text.slice(at + 1)]
  })
  const least = severity === undefined ? 0 : SEVERITIES.indexOf(severity)
  return (alert) =>
    (!open || alert.status !== 'closed') &&
    (rule === undefined || alert.rule === rule) &&
    parts.every(([name, value]) => Object.hasOwn(alert.key, name) && String(alert.key[name]) === value) &&
    SEVERITIES.indexOf(alert.severity) >= least
}

function lineOf(alert: AlertRecord): string {
  const key = Object.entries(alert.key).map(([name, value]) => `${name}=${value}`)
  const status = alert.status === 'closed' ? 'closed' : 'open'
  const time = new Date(alert.last_seen).toISOString()
  const folded = alert.folded > 0 ? `  +${alert.folded}` : ''
  return printable(
    `${time}  ${alert.severity.padEnd(8)}  ${status.padEnd(6)}  ${alert.rule}  ${key.join(' ')}${folded}  ${sentenceOf(alert)}`,
  )
}
