import { once } from 'node:events'
import { pino } from 'pino'
import type { Config } from '../../config.ts'
import { startHttp } from '../../edge/http/server.ts'
import { Metrics } from '../../edge/metrics/metrics.ts'
import { printableLines } from '../../kit/printable.ts'
import { Counters } from '../../model/counters.ts'
import type { Logger } from '../../model/telemetry.ts'
import type { Processed } from '../../pipeline.ts'
import { EXIT } from '../exit.ts'
import type { Reloadable, Service } from './service.ts'

/** Lines of JSON on standard error. */
export function serviceLogger(): Logger {
  const target = pino.destination({ fd: 2, sync: true })
  const printing = { write: (line: string) => target.write(printableLines(line)) }
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, printing)
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process as it is. */
export async function signalled(): Promise<string> {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const end = new AbortController()
  const first = await Promise.race(signals.map((name) => once(process, name, { signal: end.signal }).then(() => name)))
  end.abort()
  return first
}

/**
 * What is being opened; or the end of the process, where a signal comes first. Nothing is committed while a service
 * opens: there is nothing to wait for.
 */
export async function openedBefore<T>(stop: Promise<string>, opening: Promise<T>): Promise<T> {
  const first = await Promise.race([stop.then(() => null), opening.then((opened) => ({ opened }))])
  return first ? first.opened : process.exit(EXIT.fine)
}

/** Reads the rules again at each SIGHUP, and with `watch` when their files change. Returns what ends it. */
export function followRules(rules: Reloadable, watch: boolean): () => void {
  const reload = (): void => rules.reload()
  process.on('SIGHUP', reload)
  const unwatch = watch ? rules.watch() : () => {}
  return () => {
    process.off('SIGHUP', reload)
    unwatch()
  }
}

export interface Served {
  readonly url: string
  readonly metrics: Metrics
  /** The service has opened: it is shown from now on. */
  show(service: Service): void
  close(): Promise<void>
}

/**
 * Metrics and health over HTTP, alive and not ready until there is a service to show: to take up a large state takes
 * its time. EngineError USAGE when the port is taken.
 */
export async function serveHttp(config: Config): Promise<Served> {
  let service: Service | null = null
  const none = new Counters()
  const metrics = new Metrics({ all: () => (service?.counters ?? none).all() }, () => service?.gauges() ?? [])
  const server = await startHttp(config.http, {
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    ready: () => service?.ready() ?? { ok: false, detail: 'the state of the last commit is being taken up' },
  })
  const show = (opened: Service): void => {
    service = opened
  }
  return { url: server.url, metrics, show, close: () => server.close() }
}

/** What a commit of live records adds to the latency: once for each alert record in it. */
export function observeLatency(metrics: Metrics, { commit, isLive, latencyMs }: Processed): void {
  if (!isLive) return
  for (const output of commit.outputs) if (output.kind === 'alert') metrics.observeAlertLatency(latencyMs)
}
