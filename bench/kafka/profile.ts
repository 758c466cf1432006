/** `npx tsx bench/kafka/profile.ts FILE.cpuprofile [ROWS]`: self time by stage and by function. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Node {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

export interface Profile {
  readonly nodes: readonly Node[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** First match wins, from the innermost frame outwards: built-in code counts for who called it. */
const STAGES: readonly (readonly [name: string, file: RegExp, called?: RegExp])[] = [
  [
    'fetch: read what the broker sent',
    /kafkajs\/src\/(protocol\/(decoder|recordBatch|requests\/fetch)|consumer)|edge\/kafka\/fetch/,
  ],
  ['produce: write records', /kafkajs\/src\/(protocol\/(encoder|requests\/produce)|producer|utils\/crc)/],
  ['kafkajs, other', /kafkajs\//],
  ['commit: transactions and outputs', /edge\/kafka\/task\/(kafka-task-log|outputs|producer)/],
  ['task: snapshots and held events', /edge\/(snapshots|segments)|snapshot|state\/pack/],
  ['exchange: encode batches', /model\/(block-codec|column-writer|places-codec|picked|text-dictionary)/, /encode/i],
  ['exchange: decode batches', /model\/(block-codec|column-codec|places-codec|bytes)/, /decode/i],
  ['router: Avro to columns', /edge\/registry|avsc|model\/(block|column)-builder/],
  ['router: route by key', /plan\/(placing|partition)/],
  ['router: merge and write', /edge\/kafka\/router/],
  ['task: read its log', /edge\/kafka\/task/],
  ['task: rules and windows', /dist\/engine\/(task|state|rules)/],
]

/** Seconds by name, most first; `idle` stands apart. */
export function selfTimes(profile: Profile, nameOf: (stack: readonly Node[]) => string): [string, number][] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const names = new Map<number, string>()
  const named = (id: number): string => {
    const stack: Node[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) stack.push(nodes.get(at)!)
    return nameOf(stack)
  }
  const seconds = new Map<string, number>()
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? named(id)
    names.set(id, name)
    seconds.set(name, (seconds.get(name) ?? 0) + profile.timeDeltas[i] / 1e6)
  })
  return [...seconds].sort((a, b) => b[1] - a[1])
}

export function stageOf(stack: readonly Node[]): string {
  const { functionName } = stack[0].callFrame
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (functionName === '(idle)') return 'idle'
  for (const { callFrame } of stack) {
    const stage = STAGES.find(
      ([, file, called]) => file.test(callFrame.url) && (called?.test(callFrame.functionName) ?? true),
    )
    if (stage) return stage[0]
  }
  return 'Node itself'
}

export function functionOf([{ callFrame }]: readonly Node[]): string {
  const file = callFrame.url.replace(/^file:\/\//, '').replace(/^.*\/(dist|node_modules)\//, '')
  return `${callFrame.functionName || '(anonymous)'} ${file}:${callFrame.lineNumber + 1}`
}

export function printProfile(file: string, rows: number): void {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const stages = selfTimes(profile, stageOf)
  const busy = stages.reduce((sum, [name, seconds]) => sum + (name === 'idle' ? 0 : seconds), 0)
  const line = ([name, seconds]: [string, number]): string =>
    `${seconds.toFixed(1).padStart(8)} s ${((100 * seconds) / busy).toFixed(1).padStart(5)} %  ${name}`
  console.log(`${file}: busy ${busy.toFixed(1)} s; by stage, then by function (self time)`)
  for (const stage of stages) console.log(line(stage))
  console.log()
  for (const one of selfTimes(profile, functionOf).slice(0, rows)) console.log(line(one))
}

/** Of each thread of one run. */
export function printProfiles(folder: string): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) printProfile(join(folder, name), ROWS)
}

const ROWS = 25

if (process.argv[1]?.endsWith('profile.ts')) printProfile(process.argv[2], Number(process.argv[3] ?? ROWS))
