import { parseArgs } from 'node:util'
import { smoke } from '../harness.ts'

export const MEASURES = ['job', 'density', 'shipped', 'columns', 'latency', 'restore'] as const
export type Measure = (typeof MEASURES)[number]

export interface KafkaOptions {
  readonly measures: readonly Measure[]
  readonly count: number
  readonly rounds: number
  readonly seed: number
  /** Of the open loop, events a second, one after the other. */
  readonly rates: readonly number[]
  /** Measured at each rate; some 15 s more for the engine to warm up. */
  readonly seconds: number
  /** Events of the state that is restored. */
  readonly stateEvents: number
  /** A checkout that is built, to be measured beside this one as `before`. */
  readonly before: string | null
  /** Folder for profiles; null: none are made. */
  readonly profile: string | null
  readonly brokers: readonly string[] | null
  /** JSON file for the figures. */
  readonly out: string | null
  /** How long one run may take. */
  readonly limitS: number
}

/** `npm run bench -- kafka [MEASURE…] [--count N] …`. Throws on what it does not know. */
export function parseOptions(parameters: readonly string[]): KafkaOptions {
  const text = { type: 'string' } as const
  const or = (fallback: string) => ({ ...text, default: fallback })
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: {
      count: or(process.env.COUNT ?? (smoke ? '10000' : '3000000')),
      rounds: or(process.env.ROUNDS ?? (smoke ? '1' : '3')),
      seed: or('42'),
      rates: or('2000,5000'),
      seconds: or('60'),
      state: or('1000000'),
      limit: or('1800'),
      ...{ before: text, profile: text, brokers: text, out: text },
    },
  })
  const unknown = positionals.filter((name) => !MEASURES.includes(name as Measure))
  if (unknown.length > 0) throw new Error(`no measure ${unknown.join(', ')}; there are ${MEASURES.join(', ')}`)
  const number = (name: string, value: string): number => {
    if (!(Number(value) > 0)) throw new Error(`--${name} is a number above 0`)
    return Number(value)
  }
  const all = smoke ? (['job', 'columns'] as const) : MEASURES
  return {
    measures: positionals.length > 0 ? (positionals as Measure[]) : all,
    ...{ count: number('count', values.count), rounds: number('rounds', values.rounds), seed: Number(values.seed) },
    rates: values.rates.split(',').map((rate) => number('rates', rate)),
    ...{ seconds: number('seconds', values.seconds), stateEvents: number('state', values.state) },
    ...{ before: values.before ?? null, profile: values.profile ?? null, out: values.out ?? null },
    ...{ brokers: values.brokers?.split(',') ?? null, limitS: number('limit', values.limit) },
  }
}
