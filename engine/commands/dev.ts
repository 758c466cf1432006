import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { Outputs } from '../edge/local/outputs.ts'
import { Screen } from '../edge/terminal/screen.ts'
import type { AlertRecord, RankingRecord } from '../model/output.ts'
import { isFed } from '../model/rule.ts'
import type { Logger } from '../model/telemetry.ts'
import { compileOrRefuse } from './compiled.ts'
import { Recent } from './dev/recent.ts'
import { TrafficFeed } from './dev/traffic-feed.ts'
import { lineOf, newsOf, type Standing, viewOf } from './dev/view.ts'
import { EXIT, type ExitCode, talk } from './exit.ts'
import { spansOf } from './finite/spans.ts'
import { configOption, positiveNumber, type Verb, wholeNumber } from './options.ts'
import { readRuleFiles } from './rule-files.ts'
import { LocalService } from './service/local-service.ts'
import { observeLatency, openedBefore, serveHttp, signalled } from './service/serve.ts'

const REDRAW_MS = 500
const LINE_MS = 10_000
/** How often the generator appends what has happened since, ms. */
const FEED_MS = 50

interface DevOptions {
  readonly config?: string
  readonly data?: string
  readonly port?: number
  readonly rate: number
  readonly watch?: boolean
}

export function addDev(program: Command, verb: Verb): void {
  program
    .command('dev')
    .description('the engine with generated traffic on the local log, and what it finds, live')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--port <port>', 'port of /metrics, /livez and /readyz; 0 = any that is free', wholeNumber)
    .option('--rate <orders>', 'orders a second; each brings some 13 events', positiveNumber, 5)
    .option('--watch', 'put changed rule files in force as they are saved')
    .action(verb(dev))
}

async function dev({ config: path, data, port, rate, watch }: DevOptions): Promise<ExitCode> {
  const config = loadConfig({ path, env: process.env, overrides: { data, 'http.port': port } })
  const read = () => readRuleFiles(config.rules)
  const files = read()
  compileOrRefuse(files, config.streams)
  const stop = signalled()
  const trouble = new Trouble()
  let feed: TrafficFeed | null = null
  const isNow = () => feed !== null && feed.playing === null
  const opening = LocalService.open({ config, files, read, logger: trouble, mayMark: isNow })
  const service = await openedBefore(stop, opening)
  feed = new TrafficFeed(service.log.writer, config.streams, rate, Date.now())
  const recent = recalled(config)
  service.committed$.subscribe((committed) => recent.take(committed, Date.now(), isNow()))
  service.start()
  const feeding = new AbortController()
  const ends: (() => void | Promise<void>)[] = []
  try {
    const http = await serveHttp(config)
    http.show(service)
    ends.push(() => http.close())
    service.committed$.subscribe((committed) => {
      if (isNow()) observeLatency(http.metrics, committed)
    })
    const standing = (): Standing => {
      const { streamMs, gauges } = service.task
      const footer = `Ctrl-C stops, nothing is lost   ${http.url}/metrics   ${config.data}`
      return {
        recent,
        streamMs,
        openAlerts: gauges.openAlerts,
        playing: feed.playing,
        footer: trouble.latest ?? footer,
      }
    }
    ends.push(show(standing))
    if (watch) ends.push(service.rules.watch())
    const fed = generate(service, feed, feeding.signal)
    ends.push(() => fed.catch(() => {}))
    await Promise.race([stop, service.done, fed])
  } finally {
    feeding.abort()
    for (const end of ends.toReversed()) await end()
    await service.stop()
  }
  return EXIT.fine
}

/** Feeds the log until `stop`: history chunk by chunk, each read before the next is made; then what happens now. */
async function generate(service: LocalService, feed: TrafficFeed, stop: AbortSignal): Promise<void> {
  await service.caughtUp() // it knows its rules
  while (!stop.aborted) {
    const isNow = feed.feed(Date.now(), service.task.ruleSet.lists.some(isFed) ? spansOf : (batch) => [batch])
    service.log.wake()
    if (isNow) await sleep(FEED_MS, undefined, { signal: stop }).catch(() => {})
    else await service.caughtUp()
  }
}

/** The live view on a terminal, else lines now and then: what is new, and how it stands; what ends it. */
function show(standing: () => Standing): () => void {
  if (process.stdout.isTTY) {
    const screen = new Screen(process.stdout, () => viewOf(standing(), Date.now()), REDRAW_MS)
    return () => screen.close()
  }
  talk(standing().footer)
  let told = standing().recent.alertsTotal
  const line = () => {
    const now = standing()
    for (const news of newsOf(now.recent, told)) talk(news)
    told = now.recent.alertsTotal
    talk(lineOf(now, Date.now()))
  }
  const timer = setInterval(line, LINE_MS)
  return () => {
    clearInterval(timer)
    line()
  }
}

/** What earlier runs have found is shown again, not made again. */
function recalled(config: Config): Recent {
  const recent = new Recent()
  const outputs = Outputs.open(config.data)
  const alerts = outputs.newest('alerts', 200).map((json): AlertRecord => JSON.parse(json))
  for (const alert of alerts.toReversed()) if (alert.status === 'open') recent.takeAlert(alert)
  recent.alertsTotal = outputs.openedCount()
  const rankings = outputs.newest('rankings', 50).map((json): RankingRecord => JSON.parse(json))
  for (const ranking of rankings.toReversed()) recent.takeRanking(ranking)
  outputs.close()
  return recent
}

/** Keeps the latest warning for the view: lines of a log would tear it. Without a terminal they are said aloud. */
class Trouble implements Logger {
  latest: string | null = null

  debug(): void {}

  info(): void {}

  warn(fields: { readonly reason?: string }, message: string): void {
    this.latest = `${message}: ${fields.reason ?? ''}`
    if (!process.stdout.isTTY) talk(this.latest)
  }

  error(fields: { readonly reason?: string }, message: string): void {
    this.warn(fields, message)
  }
}
