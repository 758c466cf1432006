import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Guarded } from './guarded.ts'
import { unpacked } from './libs.ts'
import { freePorts } from './ports.ts'

/** The newest release whose classes Java 17 reads; 3.3 needs Java 21. */
const VERSION = '3.0.9'
const JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const READY_MS_MAX = 60_000

export interface RegistryOptions {
  /** `false` prints what the registry logs. Default true. */
  quiet?: boolean
}

export interface SchemaRegistry {
  /** The base of the Confluent API, for `baseURLs` of the client; the same after a pause. */
  readonly url: string
  /** Ends the process: from now on connections are refused. The schemas and their ids stay. */
  pause(): Promise<void>
  /** Starts it again after `pause` and waits until it answers. */
  resume(): Promise<void>
  /** Ends it and removes its data. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts Apicurio Registry on a free port of 127.0.0.1: a schema registry with the Confluent REST API, which dies with
 * this process. Its schemas are in an H2 file in a temporary folder.
 *
 * Needs   `java` (17), `mvn` and `sh`; 109 MB are fetched once (`libs.ts`).
 * Errors  a registry that ends, or does not answer within 60 s, with the last lines that it logged.
 */
export async function startRegistry({ quiet = true }: RegistryOptions = {}): Promise<SchemaRegistry> {
  const home = await unpacked(`io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`)
  const dir = await mkdtemp(join(tmpdir(), 'lapwing-registry-'))
  const [port] = await freePorts(1)
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  const settings = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': String(port),
    'quarkus.banner.enabled': 'false',
    'apicurio.datasource.url': `jdbc:h2:file:${join(dir, 'registry')}`,
  }
  const jar = join(home, `apicurio-registry-app-${VERSION}-runner.jar`)
  const parameters = [...JVM, ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`), '-jar', jar]
  const watch = { removeOnCrash: dir, ...(quiet ? {} : { echo: 'registry: ' }) }

  let registry = new Guarded('java', parameters, watch)
  const pause = () => registry.stop()
  const stop = async () => {
    await registry.stop(1_000)
    await rm(dir, { recursive: true, force: true })
  }
  const resume = async () => {
    if (!registry.running) registry = new Guarded('java', parameters, watch)
    await ready(url, registry)
  }
  try {
    await ready(url, registry)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, pause, resume, stop }
}

async function ready(url: string, registry: Guarded): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX
  while (registry.running && performance.now() < deadline) {
    try {
      if ((await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(5_000) })).ok) return
    } catch {
      // refused: not listening yet
    }
    await sleep(100)
  }
  if (!registry.running) await registry.gone()
  const state = registry.running ? `does not answer within ${READY_MS_MAX / 1_000} s` : 'has ended'
  throw new Error(`the schema registry at ${url} ${state}; its last lines:\n${registry.lines.join('\n')}`)
}
