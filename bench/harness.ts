import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Small under SMOKE=1, so that every benchmark also runs in the tests. */
export const smoke = process.env.SMOKE === '1'

export function size(small: number, full: number): number {
  return smoke ? small : full
}

export interface Figure {
  readonly benchmark: string
  readonly case: string
  /** What `min`, `median` and `max` count. Seconds are those of the wall. */
  readonly unit: string
  readonly min: number
  readonly median: number
  readonly max: number
  readonly runs: number
  /** Of rates: median events per second of processor time, what the machine's other work does not disturb. */
  readonly perCpuSecond?: number
  /** Keeps the work alive, and shows if a change of speed changed the answer. */
  readonly checksum: number
  readonly seed: number
  readonly parameters: Readonly<Record<string, number | string>>
}

interface Handled {
  readonly events: number
  readonly checksum: number
}

/** Runs `once` (events it handled, and a checksum) some times and gives events per second. */
export async function eventsPerSecond(
  init: {
    benchmark: string
    case: string
    seed: number
    parameters: Readonly<Record<string, number | string>>
    runs?: number
  },
  once: () => Handled | Promise<Handled>,
): Promise<Figure> {
  const runs = smoke ? 1 : (init.runs ?? 5)
  const rates: number[] = []
  const cpuRates: number[] = []
  const checksums = new Set<number>()
  for (let run = smoke ? 0 : -1; run < runs; run++) {
    const started = process.hrtime.bigint()
    const cpuBefore = process.cpuUsage()
    const { events, checksum } = await once()
    const seconds = Number(process.hrtime.bigint() - started) / 1e9
    const cpu = process.cpuUsage(cpuBefore)
    checksums.add(checksum)
    if (run < 0) continue
    rates.push(events / seconds)
    cpuRates.push(events / ((cpu.user + cpu.system) / 1e6))
  }
  if (checksums.size !== 1) throw new Error(`${init.case}: runs differ: ${[...checksums]}`)
  rates.sort((a, b) => a - b)
  cpuRates.sort((a, b) => a - b)
  const { benchmark, seed, parameters } = init
  return {
    benchmark,
    case: init.case,
    unit: 'events/s',
    min: Math.round(rates[0]),
    median: Math.round(rates[rates.length >> 1]),
    max: Math.round(rates[rates.length - 1]),
    runs,
    perCpuSecond: Math.round(cpuRates[cpuRates.length >> 1]),
    checksum: [...checksums][0],
    seed,
    parameters,
  }
}

/** Processor time of the main thread so far, ms: what the machine's other work does not disturb. Else the wall's. */
export function threadMs(): number {
  try {
    process.cpuUsage() // makes the kernel bring the count up to date, which is otherwise done at its ticks, every 4 ms
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
  } catch {
    return performance.now()
  }
}

/** The machine and the commit: part of every recorded result. */
export function machine(): Record<string, string | number> {
  const cpu = cpus()
  return { node: process.version, cpu: cpu[0]?.model.trim() ?? 'unknown', cores: cpu.length, commit: commit() }
}

function commit(): string {
  try {
    const dirty =
      execFileSync('git', ['status', '--porcelain', '--', 'engine', 'bench'], { encoding: 'utf8' }).trim() !== ''
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim() + (dirty ? '+' : '')
  } catch {
    return 'unknown'
  }
}

export function formatFigure(f: Figure): string {
  const short = (n: number): string =>
    n >= 1e6 ? `${(n / 1e6).toFixed(2)} M` : n >= 1e3 ? `${(n / 1e3).toFixed(0)} k` : `${n}`
  const perCpu = f.perCpuSecond === undefined ? '' : ` (${short(f.perCpuSecond)} per CPU second)`
  const parameters = Object.entries(f.parameters).map(([k, v]) => `${k}=${v}`)
  return `${f.benchmark} ${f.case}: min ${short(f.min)} median ${short(f.median)} max ${short(f.max)} ${f.unit}${perCpu} ${parameters.join(' ')} seed=${f.seed} checksum=${f.checksum}`
}
