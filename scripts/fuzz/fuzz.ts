import { readdirSync, readFileSync } from 'node:fs'
import { packagePath } from '../../engine/kit/package-path.ts'
import { compileRuleSet, formatIssues } from '../../engine/rules/index.ts'
import { STREAMS } from '../../engine/rules/testing.ts'
import { mutant } from './mutate.ts'

const SLOW_MS = 1_000

export interface Fuzzed {
  runs: number
  sound: number
  /** What failed, with the number of the case: a throw, a fault at no place or said twice, more than a second of work. */
  readonly failures: string[]
  readonly faults: Record<string, number>
  slowestMs: number
  slowest: number
  /** Over all faults of all cases, in order: the same for the same seed and range. */
  checksum: number
}

/** Good rule documents of every kind: small ones, so that a mutation hits something. */
export function goodTexts(): string[] {
  const folder = packagePath('engine/rules/testdata')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.good.yaml'))
    .flatMap((name) => readFileSync(`${folder}/${name}`, 'utf8').split(/^---\n/m))
    .filter((text) => text.length > 50)
}

export interface Range {
  readonly seed: number
  readonly from: number
  readonly to: number
}

/** Loads the broken copies `from` to `to` of a seed. `before` is told the number of each case before it is loaded. */
export function fuzz({ seed, from, to }: Range, before: (i: number, soFar: Fuzzed) => void = () => {}): Fuzzed {
  const texts = goodTexts()
  const all: Fuzzed = { runs: 0, sound: 0, failures: [], faults: {}, slowestMs: 0, slowest: from, checksum: 0 }
  for (let i = from; i < to; i++) {
    before(i, all)
    const text = mutant(texts, seed, i)
    const began = process.cpuUsage()
    const failure = load(text, all)
    const { user, system } = process.cpuUsage(began)
    const ms = (user + system) / 1_000 // of processor time: the machine's other work is not the loader's
    if (ms > all.slowestMs) [all.slowestMs, all.slowest] = [ms, i]
    if (failure !== null) all.failures.push(`case ${i}: ${failure}`)
    else if (ms > SLOW_MS) all.failures.push(`case ${i}: took ${Math.round(ms)} ms of processor time`)
    all.runs += 1
  }
  return all
}

/** What is wrong with how the loader took `text`, or null. */
function load(text: string, all: Fuzzed): string | null {
  const files = [{ path: 'mutant.yaml', text }]
  try {
    const { ok, issues } = compileRuleSet(files, { streams: STREAMS })
    formatIssues(issues, files)
    if (ok) all.sound += 1
    else if (!issues.some((issue) => issue.severity === 'error')) return 'refused without a fault'
    const lines = text.split('\n').length
    const said = new Set<string>()
    for (const { code, line, column, length, message } of issues) {
      const fault = `${code} at ${line}:${column}: ${message}`
      if (said.has(fault)) return `said twice: ${fault}`
      said.add(fault)
      all.faults[code] = (all.faults[code] ?? 0) + 1
      all.checksum = (Math.imul(all.checksum, 31) + hash(code) + Math.imul(line, 4_099) + column) >>> 0
      if (line < 1 || line > lines || column < 1 || length < 1) return `${code} at ${line}:${column}, length ${length}`
    }
    return null
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

function hash(text: string): number {
  let h = 0
  for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0
  return h
}
