import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { Guarded } from './guarded.ts'
import { jarsOf } from './libs.ts'
import { freePorts } from './ports.ts'
import { type BrokerPorts, type Listener, properties } from './properties.ts'

const run = promisify(execFile)
const HERE = fileURLToPath(new URL('.', import.meta.url))
const JVM = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const READY_MS_MAX = 60_000

export interface KafkaOptions {
  /** One broker, or three with every partition on all three and `min.insync.replicas=2`. Default 1. */
  brokers?: 1 | 3
  /** Keeps the data here, over restarts too. Default: a temporary folder that `stop()` removes. */
  dir?: string
  /** `false` prints what the brokers log (warnings and errors). Default true. */
  quiet?: boolean
  /** The first broker's port. Default: a free one, as for all other ports. */
  port?: number
  /** Of each broker's JVM. Default: small, and quick to start. */
  jvm?: readonly string[]
  /** Of a single broker (`secure.ts`). */
  secure?: {
    readonly listeners: readonly Listener[]
    readonly settings: Readonly<Record<string, string>>
    /** As `--add-scram` takes them. */
    readonly scram: readonly string[]
  }
}

export interface KafkaCluster {
  /** `127.0.0.1:port` of each broker; the same after a restart. */
  readonly brokers: string[]
  /** Process ids of the brokers now; `restart` changes one. */
  readonly pids: number[]
  readonly dir: string
  /** Ends broker `index` (0-based) with SIGTERM if it runs, starts it again on its ports and data, waits until it serves. */
  restart(index: number): Promise<void>
  /** Sends a signal to broker `index`; after SIGKILL or SIGTERM resolves when the process is gone, else at once. */
  kill(index: number, signal: NodeJS.Signals): Promise<void>
  /** SIGTERM to all, SIGKILL after 10 s (1 s where the data goes anyway); removes the temporary folder. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts a real Apache Kafka cluster on 127.0.0.1 and resolves when every broker serves clients and sees the others.
 * Its brokers die with this process, even by SIGKILL.
 *
 * Needs   `java` (17), `mvn` and `sh`; the jars are fetched once (`libs.ts`).
 * Errors  a broker that ends, or is not ready within 60 s, with the last lines that it logged. Nothing is left running then.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const { brokers: count = 1, quiet = true, jvm = JVM, secure } = options
  const libs = await jarsOf('kafka', join(HERE, 'pom.xml'))
  const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'lapwing-kafka-')) : resolve(options.dir)
  const temporary = options.dir === undefined
  const classpath = ['-cp', join(libs, '*')]
  const ports = await choosePorts(count, options.port)
  const brokers = ports.map(({ client }) => `127.0.0.1:${client}`)
  const processes: Guarded[] = []

  const start = (index: number) => {
    const log = `-Dlog4j2.configurationFile=${join(HERE, 'log4j2.properties')}`
    const watch = { removeOnCrash: temporary ? dir : '', ...(quiet ? {} : { echo: `kafka ${index + 1}: ` }) }
    processes[index] = new Guarded('java', [...jvm, log, ...classpath, 'kafka.Kafka', settings(dir, index)], watch)
  }
  const stop = async () => {
    await Promise.all(processes.map((broker) => broker.stop(temporary ? 1_000 : 10_000)))
    if (temporary) await rm(dir, { recursive: true, force: true })
  }

  try {
    await format(dir, ports, classpath, secure)
    for (let index = 0; index < count; index += 1) start(index)
    await Promise.all(brokers.map((address, index) => ready(address, count, processes[index])))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    brokers,
    get pids() {
      return processes.map(({ pid }) => pid)
    },
    dir,
    async restart(index) {
      await processes[index].stop()
      start(index)
      await ready(brokers[index], 1, processes[index])
    },
    async kill(index, signal) {
      processes[index].signal(signal)
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await processes[index].gone()
    },
    stop,
  }
}

async function choosePorts(count: number, first: number | undefined): Promise<BrokerPorts[]> {
  const free = await freePorts(2 * count)
  const ports = Array.from({ length: count }, (_, index) => ({
    client: free[2 * index],
    controller: free[2 * index + 1],
  }))
  if (first !== undefined) ports[0].client = first
  return ports
}

const settings = (dir: string, index: number) => join(dir, `n${index + 1}.properties`)

/** Writes each broker's settings, and its empty storage where there is none yet. */
async function format(
  dir: string,
  ports: readonly BrokerPorts[],
  classpath: readonly string[],
  secure: KafkaOptions['secure'],
): Promise<void> {
  await mkdir(dir, { recursive: true })
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}` // never a leading dash: it would read as an option
  for (let index = 0; index < ports.length; index += 1) {
    const file = settings(dir, index)
    const logs = join(dir, `n${index + 1}`)
    await writeFile(file, properties(index + 1, ports, logs, secure?.listeners, secure?.settings))
    if (existsSync(join(logs, 'meta.properties'))) continue
    const scram = secure?.scram.flatMap((user) => ['--add-scram', user]) ?? []
    await run('java', [
      ...JVM,
      ...classpath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      file,
      ...scram,
    ])
  }
}

/** Waits until the broker at `address` answers clients and knows of at least `count` brokers. */
async function ready(address: string, count: number, broker: Guarded): Promise<void> {
  const kafka = new Kafka({
    brokers: [address],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 500,
  })
  const deadline = performance.now() + READY_MS_MAX
  let last = 'no answer yet'
  while (broker.running && performance.now() < deadline) {
    const admin = kafka.admin()
    try {
      await admin.connect()
      const { brokers } = await admin.describeCluster()
      if (brokers.length >= count) return
      last = `it sees ${brokers.length} of ${count} brokers`
    } catch (error) {
      last = (error as Error).message
    } finally {
      await admin.disconnect()
    }
    await sleep(100)
  }
  if (!broker.running) await broker.gone()
  const state = broker.running ? `is not ready after ${READY_MS_MAX / 1_000} s (${last})` : 'has ended'
  throw new Error(`the Kafka broker at ${address} ${state}; its last lines:\n${broker.lines.join('\n')}`)
}
