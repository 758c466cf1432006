import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { Outputs } from '../edge/local/outputs.ts'
import type { ViewModel } from '../edge/terminal/frame.ts'
import { frame } from '../edge/terminal/frame.ts'
import { Screen } from '../edge/terminal/screen.ts'
import { plain } from '../edge/terminal/text.ts'
import { EngineError } from '../model/errors.ts'
import type { AlertRecord, RankingRecord } from '../model/output.ts'
import { Recent } from './dev/recent.ts'
import { viewOf } from './dev/view.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, type Verb } from './options.ts'
import { configOf, type OutputsOptions } from './outputs.ts'
import { signalled } from './service/serve.ts'
import { type Numbers, readMetrics } from './top/metrics.ts'

const REDRAW_MS = 1_000
/** Of alerts: each may have many. */
const RECORDS = 1_000
const RANKINGS = 50
/** A snapshot for those who have no terminal. */
const SNAPSHOT = { columns: 100, rows: 30 }

export function addTop(program: Command, verb: Verb): void {
  program
    .command('top')
    .description('hot items and alerts of a local engine, live on a terminal, else as they are now')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--json', 'what it would show, once, as a JSON line')
    .action(verb(top))
}

async function top(options: OutputsOptions & { readonly json?: boolean }): Promise<ExitCode> {
  const config = configOf(options)
  if (config.log.kind === 'kafka')
    throw new EngineError('USAGE', 'top shows a local log; on Kafka: lapwing tap alerts --follow, and /metrics')
  const outputs = Outputs.open(config.data)
  try {
    let now = await look(config, outputs, null)
    if (options.json) say(`${JSON.stringify(jsonOf(now.view))}\n`)
    else if (!process.stdout.isTTY) {
      const lines = frame(now.view, SNAPSHOT, plain).map((line) => line.trimEnd())
      say(`${lines.join('\n').trimEnd()}\n`)
    } else {
      const stop = new AbortController()
      void signalled().then(() => stop.abort())
      const screen = new Screen(process.stdout, () => now.view, REDRAW_MS)
      while (!stop.signal.aborted) {
        await sleep(REDRAW_MS, undefined, { signal: stop.signal }).catch(() => {})
        now = await look(config, outputs, now)
      }
      screen.close()
    }
    return EXIT.fine
  } finally {
    outputs.close()
  }
}

interface Look {
  readonly view: ViewModel
  readonly numbers: Numbers | null
  readonly atMs: number
}

/** The newest outputs from the log, the numbers from the engine's /metrics if it answers. */
async function look({ http, data }: Config, outputs: Outputs, before: Look | null): Promise<Look> {
  const recent = new Recent()
  for (const alert of asTheyStand(outputs.newest('alerts', RECORDS))) recent.takeAlert(alert)
  for (const json of outputs.newest('rankings', RANKINGS).toReversed())
    recent.takeRanking(JSON.parse(json) as RankingRecord)
  recent.alertsTotal = outputs.openedCount()
  const url = `http://${http.host}:${http.port}/metrics`
  const numbers = await readMetrics(url)
  const atMs = performance.now()
  const standing = {
    recent,
    streamMs: numbers?.lagSeconds === undefined ? Number.NEGATIVE_INFINITY : Date.now() - numbers.lagSeconds * 1e3,
    openAlerts: numbers?.openAlerts ?? outputs.openCount(),
    playing: null,
    footer: numbers ? `${url}   ${data}` : `no engine answers at ${url}: numbers are those of the log   ${data}`,
  }
  const rate =
    before?.numbers && numbers ? ((numbers.events - before.numbers.events) * 1e3) / Math.max(1, atMs - before.atMs) : 0
  const events = numbers?.events ?? 0
  return { view: { ...viewOf(standing, Date.now()), events, eventsPerSecond: Math.max(0, rate) }, numbers, atMs }
}

/** The newest record of each alert, in order of opening. */
function asTheyStand(newestFirst: readonly string[]): AlertRecord[] {
  const byId = new Map<string, AlertRecord>()
  for (const json of newestFirst) {
    const alert: AlertRecord = JSON.parse(json)
    if (!byId.has(alert.alert_id)) byId.set(alert.alert_id, alert)
  }
  return [...byId.values()].reverse().sort((a, b) => a.first_seen - b.first_seen)
}

function jsonOf({ openAlerts, alerts, events, streamMs, latest, hot }: ViewModel): object {
  const stream_time = Number.isFinite(streamMs) ? streamMs : null
  return { open_alerts: openAlerts, alerts, events, stream_time, latest: latest.slice(0, 20), hot }
}
