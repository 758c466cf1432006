import { setTimeout as sleep } from 'node:timers/promises'
import type { LogRecord } from '../../../model/block.ts'
import { EngineError } from '../../../model/errors.ts'
import type { Committed } from '../../../model/ports.ts'
import { ExchangeReader } from './exchange-reader.ts'

const TRIES = 50
/** Longer than it takes until a commit shows everywhere (docs/kafka.md: 9 ms at p99). */
const SETTLE_MS = 20

/** A task's log as it stands, beside the engine that has the task: nobody is fenced. */
export class TaskView extends ExchangeReader {
  /**
   * Position and what commits kept, of one and the same commit: the two stand on different topics, and a commit shows on
   * one before the other. So they are taken when neither moved for a while. EngineError LOG_GAP; LOG_BUSY when commits
   * leave no such while.
   */
  override async committed(): Promise<Committed> {
    const kept = new Map<string, string>()
    let end = 0
    for (let tries = 0; tries < TRIES; tries++) {
      const position = await this.position()
      if (position < 0) return { position, kept: new Map() }
      end = await this.readKept(kept, end)
      await sleep(SETTLE_MS)
      const { high } = await this.bounds(this.place.stateTopic)
      if (high === end && (await this.position()) === position) return { position, kept }
    }
    const { topic, partition } = this.place
    throw new EngineError('LOG_BUSY', `${topic}/${partition} is committed to without a pause; try again`)
  }

  override async *past(fromStreamMs: number, through: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    yield* super.past(fromStreamMs, Math.min(through, await this.#last()))
  }

  /** What stands behind `position`, up to the end as it is now. */
  async *after(position: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    yield* this.between(position, await this.#last())
  }

  async #last(): Promise<number> {
    return (await this.bounds(this.place.topic)).high - 1
  }
}
