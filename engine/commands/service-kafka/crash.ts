import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Producer } from 'kafkajs'
import type { Stream } from '../../model/stream.ts'
import { readyChild, startChild } from './child.ts'
import { type Deal, deal, RULES, sendDeals } from './deals.ts'
import { configFor, differences, Inspector, plainKafka } from './harness.ts'

const PARTITIONS = 4
const BATCH = 20
const BATCH_MS = 40
const LIFE_MS_MAX = 4_000
const DRAIN_MS_MAX = 60_000

export interface CrashOptions {
  readonly brokers: readonly string[]
  /** Prefix of all topics and groups: one that was never used. */
  readonly name: string
  /** How often the service is killed. */
  readonly times: number
  readonly seed: number
  readonly say: (line: string) => void
}

export interface CrashResult {
  readonly sent: number
  readonly alerts: number
  readonly rankings: number
  /** Events that stand in an exchange more than once, before the tasks leave them out. */
  readonly repeated: number
  /** Empty if nothing was lost, repeated, or other than the log says. */
  readonly faults: readonly string[]
}

/**
 * Kills the service with SIGKILL again and again while orders flow, starts it anew each time, and then looks whether the
 * alerts that a read-committed consumer sees are exactly those of the exchange log, and whether every event stands there.
 */
export async function crash({ brokers, name, times, seed, say }: CrashOptions): Promise<CrashResult> {
  const config = configFor(brokers, name)
  const [stream] = config.streams
  const kafka = plainKafka(brokers)
  const inspector = new Inspector(config, RULES)
  const producer = kafka.producer({ idempotent: true })
  await Promise.all([inspector.connect(), producer.connect()])
  await inspector.admin.createTopics({
    topics: [{ topic: stream.topic, numPartitions: PARTITIONS }],
    waitForLeaders: true,
  })
  const traffic = new Traffic(producer, stream)
  const running = traffic.run()
  const random = randomFrom(seed)
  let child: ChildProcess | null = null
  try {
    for (let kill = 1; kill <= times; kill++) {
      child = startChild(brokers, name, say)
      // One in four dies on its way up, the others at some moment of their work.
      if (kill % 4 !== 0) await readyChild(child)
      const lifeMs = Math.round(random() * LIFE_MS_MAX)
      await sleep(lifeMs)
      child.kill('SIGKILL')
      await once(child, 'exit')
      say(`killed ${kill} of ${times} after ${lifeMs} ms; ${traffic.deals.length} events sent`)
    }
    child = startChild(brokers, name, say)
    await readyChild(child)
    traffic.stop()
    await running
    await inspector.drained(DRAIN_MS_MAX)
    child.kill('SIGTERM')
    await once(child, 'exit')
    return await verdict(inspector, traffic.deals)
  } finally {
    traffic.stop()
    child?.kill('SIGKILL')
    await running
    await Promise.all([producer.disconnect(), inspector.close()])
  }
}

async function verdict(inspector: Inspector, deals: readonly Deal[]): Promise<CrashResult> {
  const { outputs, events, repeated } = await inspector.reference()
  const found = await inspector.outputs()
  const faults = differences(found, outputs)
  for (const exchange of inspector.exchanges) {
    const wanted = deals.filter((one) => exchange.types.includes(one.type)).length
    const there = events.get(exchange.id)?.length ?? 0
    if (there !== wanted) faults.push(`${exchange.id} holds ${there} of ${wanted} events`)
  }
  const alerts = found.filter((output) => output.kind === 'alert').length
  return { sent: deals.length, alerts, rankings: found.length - alerts, repeated, faults }
}

/** Orders at about 500 a second, with the time of the machine, until it is stopped. */
class Traffic {
  readonly deals: Deal[] = []
  readonly #producer: Producer
  readonly #stream: Stream
  #stopped = false

  constructor(producer: Producer, stream: Stream) {
    this.#producer = producer
    this.#stream = stream
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const deals = Array.from({ length: BATCH }, (_, i) => deal(this.deals.length + i, Date.now(), PARTITIONS))
      await sendDeals(this.#producer, this.#stream, deals)
      this.deals.push(...deals)
      await sleep(BATCH_MS)
    }
  }

  stop(): void {
    this.#stopped = true
  }
}

/** Numbers in [0, 1): the same ones for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
