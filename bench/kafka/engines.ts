import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from '../../scripts/kafka/ports.ts'
import { Child } from './child.ts'
import type { Sources } from './rows.ts'

/** What one run of an engine is told. `id` is the prefix of all its topics and groups. */
export interface Assignment {
  readonly id: string
  readonly brokers: readonly string[]
  readonly sources: Sources
  /** Records in the sources; null: they go on. */
  readonly expect: number | null
  /** Of rule files, absolute or from the root of the checkout. */
  readonly rules: string
  /** How far behind the clock stream time stays where nothing comes. */
  readonly idleGrace: string
  /** Folder for profiles of the processor, in a folder of the run's id; null: none. */
  readonly profile: string | null
  /** Where its state goes, and stays; default: a folder that goes when it is closed. */
  readonly data?: string
  /** Further sections of its configuration. */
  readonly sections?: object
}

export interface Running {
  readonly child: Child
  /** Where its metrics are; null: it has none. */
  readonly metrics: string | null
  close(): Promise<void>
}

export interface Engine {
  readonly name: string
  /** Whether it makes the job's alerts; else it says `done` at the end. */
  readonly answers: boolean
  /** Resolves when the process is up: what it took until then is not counted. */
  start(assignment: Assignment): Promise<Running>
}

/** A program of this folder: `bare`, `loop`, `null`, `columns`. */
export function program(name: string, answers: boolean): Engine {
  const start = async (assignment: Assignment): Promise<Running> => {
    const child = Child.program(`${name}.ts`, assignment)
    await child.told('ready', 60)
    return { child, metrics: null, close: () => child.stop() }
  }
  return { name, answers, start }
}

/** The engine as it was built in `checkout`. */
export function lapwing(name: string, checkout: string): Engine {
  const main = resolve(checkout, 'dist/engine/main.js')
  if (!existsSync(main)) throw new Error(`${main} is not there: npm run build`)
  return { name, answers: true, start: (assignment) => startLapwing(name, main, assignment) }
}

async function startLapwing(name: string, main: string, assignment: Assignment): Promise<Running> {
  const data = assignment.data ?? mkdtempSync(join(tmpdir(), 'lapwing-bench-'))
  const tidy = (): void => {
    if (assignment.data === undefined) rmSync(data, { recursive: true, force: true })
  }
  let child: Child | null = null
  try {
    const [port] = await freePorts(1)
    const file = writeConfig(data, port, assignment)
    child = new Child(name, process.execPath, [...profileFlags(assignment), main, 'run', '-c', file], data)
    await up(child, `http://127.0.0.1:${port}/livez`)
    const stopped = child
    const close = async (): Promise<void> => {
      await stopped.stop()
      tidy()
    }
    return { child, metrics: `http://127.0.0.1:${port}/metrics`, close }
  } catch (error) {
    await child?.stop()
    tidy()
    throw error
  }
}

/** Its file. JSON is YAML. */
function writeConfig(data: string, port: number, assignment: Assignment): string {
  const { id, brokers, sources, rules, idleGrace, sections } = assignment
  const streams = Object.fromEntries(Object.entries(sources).map(([topic, stream]) => [stream, { topic }]))
  const outputs = Object.fromEntries(OUTPUTS.map((output) => [output, `${id}.${output}`]))
  const config = {
    ...{ data: join(data, 'data'), rules: [resolve(rules)], http: { host: '127.0.0.1', port } },
    ...{ log: { kind: 'kafka', brokers, group: id }, time: { idle_grace: idleGrace }, streams, outputs },
    ...sections,
  }
  const file = join(data, 'lapwing.yaml')
  writeFileSync(file, JSON.stringify(config))
  return file
}

const OUTPUTS = ['alerts', 'shadow', 'rankings', 'dlq']

/** Each thread writes a file of its own. */
function profileFlags({ profile, id }: Assignment): string[] {
  return profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profile, id)}`]
}

async function up(child: Child, url: string): Promise<void> {
  for (;;) {
    child.usage() // throws when it has ended
    const answer = await fetch(url).catch(() => null)
    if (answer?.ok) return
    await new Promise((done) => setTimeout(done, 20))
  }
}
