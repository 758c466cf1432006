import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../.kafka/libs', import.meta.url))
const DOWNLOAD_MS_MAX = 300_000

/** Why no Java broker can run here, as one line; `null` when Java and Maven both answer. */
export async function javaMissing(): Promise<string | null> {
  for (const command of ['java', 'mvn']) {
    try {
      await run(command, ['-version'])
    } catch {
      return `${command} does not answer (Java 17 and Maven start a Kafka broker from Maven Central)`
    }
  }
  return null
}

/** The folder with the runtime jars of a pom, from Maven Central, cached. Errors: as `cached`. */
export async function jarsOf(name: string, pom: string): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
  return cached(`${name}-${hash.slice(0, 12)}`, (directory) => [
    ...['-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${directory}`],
  ])
}

/** The folder with the unpacked archive `group:artifact:version:type:classifier` of Maven Central, cached. Errors: as `cached`. */
export async function unpacked(artifact: string): Promise<string> {
  const [, name, version] = artifact.split(':')
  return cached(`${name}-${version}`, (directory) => [
    ...['dependency:unpack', `-Dartifact=${artifact}`, `-DoutputDirectory=${directory}`],
  ])
}

/**
 * `.kafka/libs/<name>`, filled by Maven with the given goal if it is not there yet.
 *
 * The folder appears by one rename, so it is whole or absent: two processes may ask at once, and a killed download
 * leaves no half cache.
 *
 * Errors  Maven's own last lines when it fails or takes longer than 300 s.
 */
async function cached(name: string, goal: (directory: string) => string[]): Promise<string> {
  const libs = join(CACHE, name)
  if (existsSync(libs)) return libs
  await mkdir(CACHE, { recursive: true })
  const unfinished = await mkdtemp(join(CACHE, 'unfinished-'))
  try {
    await maven(goal(unfinished), unfinished)
    await rename(unfinished, libs)
  } catch (error) {
    if (!existsSync(libs)) throw error // else another process was first: rename refuses a folder that is not empty
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return libs
}

/** `cwd` is where a goal without a pom leaves its markers, which must not be in the repository. */
async function maven(goal: readonly string[], cwd: string): Promise<void> {
  try {
    await run('mvn', ['-B', '-q', ...goal], { cwd, timeout: DOWNLOAD_MS_MAX })
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string }
    throw new Error(`mvn ${goal.join(' ')} failed: ${stdout.slice(-2_000) || message}`, { cause: error })
  }
}
