import { readFileSync } from 'node:fs'
import { hashText } from '../../engine/plan/partition.ts'
import type { Figure } from '../harness.ts'
import type { Opening } from './episodes.ts'
import { compare, type Reference } from './reference.ts'
import type { Run } from './run.ts'

export const load = (): string => readFileSync('/proc/loadavg', 'latin1').split(' ')[0]

/** With two digits behind the point. */
export const short = (value: number): number => Math.round(value * 100) / 100

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

/** One line for one run, as soon as it is over. */
export function printRun(measure: string, round: number, run: Run, right: Reference | null): void {
  const { engine, perMillion, cpuS, startS, wallS, peakMb, brokerPerMillion } = run
  const exchanges = Object.entries(run.exchanges).map(([id, share]) => `${id}=${short(share)}`)
  const parts = [
    `${measure} round ${round + 1} ${engine}: ${short(perMillion)} CPU s/M (${short(cpuS)} s, start ${short(startS)} s)`,
    `wall ${short(wallS)} s, peak ${Math.round(peakMb)} MB, broker ${short(brokerPerMillion)} CPU s/M, load ${load()}`,
  ]
  if (exchanges.length > 0) parts.push(`exchange bytes per source byte: ${exchanges.join(' ')}`)
  if (right && run.openings.length > 0) parts.push(answers(run, right))
  console.log(parts.join('; '))
}

function answers({ openings, rankings }: Run, right: Reference): string {
  const say = (name: string, wanted: readonly Opening[]): string => {
    const { right: count, missing, extra, moved } = compare(wanted, openings)
    return `against ${name} ${count}: ${missing} missing, ${extra} extra, ${moved} moved`
  }
  const same = [...right.rankings].filter(
    ([asOf, items]) => JSON.stringify(rankings.get(asOf)) === JSON.stringify(items),
  )
  return `alerts ${openings.length}: ${say('changes', right.onChange)}; ${say('arrivals', right.onArrival)}; rankings ${same.length} of ${right.rankings.size} the same`
}

/** Of each engine the median, and how it stands to the first one's in the same rounds. */
export function figuresOf(init: {
  measure: string
  runs: readonly Run[]
  seed: number
  /** Of the events. */
  checksum: number
  parameters: Readonly<Record<string, number | string>>
}): Figure[] {
  const names = [...new Set(init.runs.map(({ engine }) => engine))]
  const of = (name: string): Run[] => init.runs.filter(({ engine }) => engine === name)
  const first = of(names[0])
  return names.map((name) => {
    const runs = of(name)
    const costs = runs.map(({ perMillion }) => perMillion)
    const last = runs[runs.length - 1]
    return {
      ...{ benchmark: `kafka ${init.measure}`, case: name, unit: 'CPU s/M events', runs: runs.length, seed: init.seed },
      ...{ min: short(Math.min(...costs)), median: short(median(costs)), max: short(Math.max(...costs)) },
      checksum: init.checksum,
      parameters: {
        [`times ${names[0]}`]: short(median(runs.map(({ perMillion }, round) => perMillion / first[round].perMillion))),
        ...init.parameters,
        ...{ 'wall s': short(median(runs.map(({ wallS }) => wallS))) },
        ...{ 'peak MB': Math.round(Math.max(...runs.map(({ peakMb }) => peakMb))) },
        ...(last.openings.length > 0 ? { alerts: last.openings.length, answers: answersHash(last.openings) } : {}),
        ...Object.fromEntries(Object.entries(last.exchanges).map(([id, share]) => [`${id} bytes`, short(share)])),
      },
    }
  })
}

/** The same for the same openings in any order. */
function answersHash(openings: readonly Opening[]): number {
  return openings.reduce((sum, { shop, timeMs }) => (sum + hashText(`${shop}@${timeMs}`)) >>> 0, 0)
}
