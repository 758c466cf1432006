import type { Admin } from 'kafkajs'
import type { Lane } from './lane.ts'

/** Reading a partition to `high` reads all that stood there at the start of the call that gave it. */
interface Target {
  readonly high: number
  readonly upToMs: number
}

/**
 * Finds out up to where source partitions have been read to their end.
 *
 * `ask` asks the broker for their ends; `due` then says, once, that a lane has been read to the end that was given. An end
 * that is still ahead is kept, so that a busy partition gets its marks too.
 */
export class Marks {
  readonly #targets = new Map<Lane, Target>()
  readonly #idleGraceMs: number
  readonly #clock: () => number

  constructor(idleGraceMs: number, clock: () => number) {
    this.#idleGraceMs = idleGraceMs
    this.#clock = clock
  }

  async ask(lanes: readonly Lane[], admin: Admin): Promise<void> {
    const upToMs = this.#clock() - this.#idleGraceMs
    for (const topic of new Set(lanes.map((lane) => lane.topic))) {
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        const lane = lanes.find((l) => l.topic === topic && l.partition === partition)
        if (!lane) continue
        lane.end = Math.max(lane.end, Number(high))
        if (!this.#targets.has(lane)) this.#targets.set(lane, { high: Number(high), upToMs })
      }
    }
  }

  /** The lane's mark, if it has come to its end; null if not, or if that was said already. */
  due(lane: Lane): number | null {
    const target = this.#targets.get(lane)
    if (!target || lane.routed < target.high) return null
    this.#targets.delete(lane)
    return target.upToMs
  }

  clear(): void {
    this.#targets.clear()
  }
}
