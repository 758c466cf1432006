import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchBroker } from './broker.ts'
import { Child } from './child.ts'
import type { LiveTraffic } from './probes.ts'
import type { Sent } from './sender.ts'
import type { Held } from './sink.ts'

const PARTITIONS = 4
/** After the last event: so long an alert may take and is not missing. */
const DRAIN_MS = 15_000

export interface Probe {
  readonly shop: string
  /** Scheduled moment of the order that makes its alert, epoch ms. */
  readonly atMs: number
  /** Scheduled moment to the moment at which a read-committed consumer held the alert; null: it never did. */
  readonly latencyMs: number | null
}

export interface Probed {
  readonly startMs: number
  readonly probes: readonly Probe[]
  readonly doubled: number
  readonly sent: Sent
}

/** Open-loop traffic on a source topic of its own, and the consumer at the other end. The engine between is the caller's. */
export class LiveLoop {
  readonly id: string
  readonly topic: string
  readonly #broker: BenchBroker
  readonly #folder = mkdtempSync(join(tmpdir(), 'lapwing-live-'))
  readonly #sink: Child
  #sender: Child | null = null

  private constructor(broker: BenchBroker, id: string) {
    this.#broker = broker
    this.id = id
    this.topic = `${id}.source`
    const { brokers } = broker
    this.#sink = Child.program('sink.ts', { brokers, topic: `${id}.alerts`, file: join(this.#folder, 'held.json') })
  }

  static async open(broker: BenchBroker, id: string): Promise<LiveLoop> {
    await broker.create({ [`${id}.source`]: PARTITIONS, [`${id}.alerts`]: 1, [`${id}.rankings`]: 1 })
    const loop = new LiveLoop(broker, id)
    await loop.#sink.told('ready', 60)
    return loop
  }

  /** The moment of the first event, epoch ms: some seconds ahead. */
  async begin(traffic: LiveTraffic): Promise<number> {
    const { brokers } = this.#broker
    const file = join(this.#folder, 'moments.json')
    this.#sender = Child.program('sender.ts', { brokers, topic: this.topic, file, traffic })
    const { startMs } = await this.#sender.told<{ startMs: number }>('start', 300)
    this.#startMs = startMs
    return startMs
  }

  #startMs = 0

  /** Waits for the last event, and for its alert. */
  async end(limitS: number): Promise<Probed> {
    const sent = await this.#sender!.told<Sent>('done', limitS)
    await sleep(DRAIN_MS)
    await this.#sink.stop()
    const { heldMs, doubled }: Held = JSON.parse(readFileSync(join(this.#folder, 'held.json'), 'utf8'))
    const moments: Record<string, number> = JSON.parse(readFileSync(join(this.#folder, 'moments.json'), 'utf8'))
    const probes = Object.entries(moments).map(([shop, atMs]) => {
      return { shop, atMs, latencyMs: shop in heldMs ? heldMs[shop] - atMs : null }
    })
    return { startMs: this.#startMs, probes, doubled, sent }
  }

  /** Leaves nothing behind, whatever happened before. */
  async close(): Promise<void> {
    await Promise.all([this.#sink.stop(), this.#sender?.stop()])
    rmSync(this.#folder, { recursive: true, force: true })
    await this.#broker.remove(`${this.id}.`)
  }
}
