import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer } from 'kafkajs'
import type { BenchBroker } from './broker.ts'
import { usageOf } from './child.ts'
import { plainKafka } from './client.ts'
import type { Engine } from './engines.ts'
import type { Opening } from './episodes.ts'
import { END_SHOPS, isEndShop } from './events.ts'
import type { RankedItems } from './hot-items.ts'
import { openingOf, rankingOf } from './outputs.ts'
import { printProfiles } from './profile.ts'
import type { Sources } from './rows.ts'

/** A backlog as it stands in its topics, and what to make of it. */
export interface Input {
  readonly sources: Sources
  readonly events: number
  readonly rules: string
  /** The last ranking that must be there before a run is over; null: none is awaited. */
  readonly lastMinuteMs: number | null
}

/** From an engine's start until a read-committed consumer holds all its results. */
export interface Run {
  readonly engine: string
  readonly wallS: number
  /** Of the engine's process, user and system, all threads; its start, `startS`, is not in it. */
  readonly cpuS: number
  readonly startS: number
  readonly perMillion: number
  readonly brokerPerMillion: number
  readonly peakMb: number
  /** Bytes of an exchange's log to one byte of the sources' logs. */
  readonly exchanges: Readonly<Record<string, number>>
  readonly openings: readonly Opening[]
  readonly rankings: ReadonlyMap<number, RankedItems>
  /** Of programs that only read: what they summed up. */
  readonly checksum: number | null
}

export interface RunOptions {
  readonly limitS: number
  readonly profile: string | null
}

let runs = 0

/** One engine over the whole backlog, with topics and groups of its own, which are gone afterwards. */
export async function runBacklog(broker: BenchBroker, engine: Engine, input: Input, options: RunOptions): Promise<Run> {
  const id = `${engine.name}-${process.pid}-${++runs}`
  const { brokers } = broker
  const { sources, events, rules } = input
  await broker.create({ [`${id}.alerts`]: 1, [`${id}.rankings`]: 1 })
  const results = new Results(input.lastMinuteMs)
  const watcher = engine.answers ? await watch(brokers, id, results) : null
  const beganMs = performance.now()
  const brokerBefore = broker.pid === null ? 0 : usageOf(broker.pid)!.cpuS
  const running = await engine.start({
    ...{ id, brokers, sources, rules, expect: events, idleGrace: '100000h', profile: options.profile },
  })
  try {
    const { child } = running
    const startS = child.usage().cpuS
    const told = engine.answers ? null : await child.told<{ checksum: number }>('done', options.limitS)
    while (engine.answers && !results.whole) {
      child.usage() // throws when it has ended
      if (performance.now() - beganMs > options.limitS * 1_000) throw new Error(`${id}: not done; ${results}`)
      await sleep(100)
    }
    const wallS = (performance.now() - beganMs) / 1_000
    const { cpuS, peakMb } = child.usage()
    const brokerS = broker.pid === null ? 0 : usageOf(broker.pid)!.cpuS - brokerBefore
    const perMillion = (seconds: number): number => (seconds * 1e6) / events
    return {
      ...{ engine: engine.name, wallS, cpuS: cpuS - startS, startS, peakMb, perMillion: perMillion(cpuS - startS) },
      ...{ brokerPerMillion: perMillion(brokerS), exchanges: exchangeShares(broker, id, Object.keys(sources)) },
      ...{ openings: results.openings, rankings: results.rankings, checksum: told?.checksum ?? null },
    }
  } finally {
    await running.close()
    if (options.profile !== null) printProfiles(join(options.profile, id))
    await watcher?.disconnect()
    await broker.remove(`${id}.`)
  }
}

class Results {
  readonly openings: Opening[] = []
  readonly rankings = new Map<number, RankedItems>()
  readonly #ended = new Set<string>()
  readonly #lastMinuteMs: number | null

  constructor(lastMinuteMs: number | null) {
    this.#lastMinuteMs = lastMinuteMs
  }

  get whole(): boolean {
    const ranked = this.#lastMinuteMs === null || this.rankings.has(this.#lastMinuteMs)
    return ranked && this.#ended.size === END_SHOPS
  }

  alert(value: Buffer): void {
    const opening = openingOf(value)
    if (!opening) return
    this.openings.push(opening)
    if (isEndShop(opening.shop)) this.#ended.add(opening.shop)
  }

  ranking(value: Buffer): void {
    const { asOfMs, items } = rankingOf(value)
    this.rankings.set(asOfMs, items)
  }

  toString(): string {
    return `${this.openings.length} alerts, ${this.#ended.size} of the end, ${this.rankings.size} rankings`
  }
}

async function watch(brokers: readonly string[], id: string, results: Results): Promise<Consumer> {
  const consumer = plainKafka(brokers, `${id}-watch`).consumer({ groupId: `${id}-watch`, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topics: [`${id}.alerts`, `${id}.rankings`], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, message }) => {
      if (topic === `${id}.alerts`) results.alert(message.value!)
      else results.ranking(message.value!)
    },
  })
  return consumer
}

function exchangeShares(broker: BenchBroker, id: string, sources: readonly string[]): Record<string, number> {
  const source = sources.reduce((sum, topic) => sum + (broker.bytes(topic).get(topic) ?? 0), 0)
  const prefix = `${id}.exchange.`
  return Object.fromEntries(
    [...broker.bytes(prefix)].map(([topic, bytes]) => [topic.slice(prefix.length), bytes / source]),
  )
}
