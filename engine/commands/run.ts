import type { Command } from 'commander'
import { type Config, type KafkaConfig, loadConfig } from '../config.ts'
import type { RuleSource } from '../model/block.ts'
import { EngineError } from '../model/errors.ts'
import type { Logger } from '../model/telemetry.ts'
import { compileOrRefuse } from './compiled.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { encodingOption, untilOption } from './finite/input.ts'
import { type FiniteRunOptions, runFinite, runOntoLog } from './finite/run.ts'
import { configOption, jsonAlways, type Verb, wholeNumber } from './options.ts'
import { readRuleFiles } from './rule-files.ts'
import { openKafka } from './service/kafka.ts'
import { LeftOut } from './service/left-out.ts'
import { LocalService } from './service/local-service.ts'
import {
  followRules,
  observeLatency,
  openedBefore,
  type Served,
  serveHttp,
  serviceLogger,
  signalled,
} from './service/serve.ts'

interface RunOptions extends Partial<FiniteRunOptions> {
  readonly config?: string
  readonly rules?: readonly string[]
  readonly data?: string
  readonly port?: number
  readonly watch?: boolean
}

export function addRun(program: Command, verb: Verb): void {
  program
    .command('run')
    .description('the service; with --input: one finite input, results as JSON lines, then exit')
    .addOption(configOption())
    .addOption(jsonAlways())
    .option('--rules <path...>', 'rule files, and folders of them, in place of the configured ones')
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--port <port>', 'port of /metrics, /livez and /readyz; 0 = any that is free', wholeNumber)
    .option('--watch', 'put changed rule files in force as they are saved; without it at SIGHUP, or lapwing rules push')
    .option('--input <file>', 'JSON lines or CSV, plain or gzip; - is standard input; state is fresh without --data')
    .option('--stream <name>', 'the stream that all records of the input belong to')
    .addOption(encodingOption())
    .option('--strict', 'end at the first malformed record of the input')
    .addOption(untilOption())
    .action(verb(run))
}

async function run(options: RunOptions): Promise<ExitCode> {
  const { rules, data, port, input } = options
  refuseIdle(options)
  const overrides = { rules, data, 'http.port': port }
  const config = loadConfig({ path: options.config, env: process.env, overrides })
  if (input === undefined) return serve(config, options.watch === true)
  const finite = { ...options, input }
  if (data === undefined) return runFinite(config, finite)
  if (options.until !== undefined)
    throw new EngineError('USAGE', '--until is for fresh state: with --data the engine stands where the input ends')
  return runOntoLog(config, finite)
}

/** Flags that would change nothing are mistakes. */
function refuseIdle({ input, stream, encoding, strict, until, watch, port }: RunOptions): void {
  const given = (flags: Readonly<Record<string, unknown>>) =>
    Object.keys(flags).filter((flag) => flags[flag] !== undefined)
  const [idle, why, whyAll] =
    input === undefined
      ? [
          given({ '--stream': stream, '--encoding': encoding, '--strict': strict, '--until': until }),
          'goes with --input',
          'go with --input',
        ]
      : [given({ '--watch': watch, '--port': port }), SERVICE_ONLY, SERVICE_ONLY.replace('is', 'are')]
  if (idle.length > 0) throw new EngineError('USAGE', `${idle.join(' and ')} ${idle.length === 1 ? why : whyAll}`)
}

const ENDS_WITHIN_MS = 200
/** Between looks at what is left out: a wrong unit of time is said within a minute. */
const LOOK_MS = 20_000
const SERVICE_ONLY = 'is for the service, without --input'

type OnKafka = Config & { readonly log: KafkaConfig }

function isOnKafka(config: Config): config is OnKafka {
  return config.log.kind === 'kafka'
}

async function serve(config: Config, watch: boolean): Promise<ExitCode> {
  const logger = serviceLogger()
  process.on('SIGHUP', () => {}) // asked to read its rules while it opens, it must not end: it is about to read them
  const read = () => readRuleFiles(config.rules)
  const files = read()
  compileOrRefuse(files, config.streams)
  const stop = signalled()
  const http = await serveHttp(config)
  try {
    return await serveShown(config, { http, files, read, logger, stop, watch })
  } finally {
    await http.close()
    // ends by itself, unless the client library has left a connection open
    if (isOnKafka(config)) setTimeout(() => process.exit(), ENDS_WITHIN_MS).unref()
  }
}

interface Serving {
  readonly http: Served
  readonly files: readonly RuleSource[]
  readonly read: () => readonly RuleSource[]
  readonly logger: Logger
  readonly stop: Promise<string>
  readonly watch: boolean
}

async function serveShown(config: Config, { http, files, read, logger, stop, watch }: Serving): Promise<ExitCode> {
  const { url, metrics } = http
  logger.info({ url, data: config.data, log: config.log.kind }, 'opening')
  const local = isOnKafka(config) ? null : await openedBefore(stop, LocalService.open({ config, files, read, logger }))
  const service = isOnKafka(config) ? await openKafka(config, files, read, logger) : local!
  service.start()
  http.show(service)
  const unfollow = followRules(service.rules, watch)
  const leftOut = new LeftOut(service.counters, logger)
  const looking = setInterval(() => leftOut.look(), LOOK_MS)
  try {
    service.committed$.subscribe((processed) => observeLatency(metrics, processed))
    logger.info({ url, data: config.data, log: config.log.kind }, 'running')
    const signal = await Promise.race([stop, service.done])
    logger.info({ signal }, 'stopping')
  } finally {
    clearInterval(looking)
    unfollow()
    await service.stop()
  }
  return EXIT.fine
}
