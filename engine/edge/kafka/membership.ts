import type { Consumer, Kafka, TopicPartitionOffsetAndMetadata } from 'kafkajs'
import { firstValueFrom, merge, mergeMap, Subject, skip, throwError } from 'rxjs'
import { EngineError } from '../../model/errors.ts'

/** Partitions by topic, as the group gave them at one join. */
export type Assignment = Readonly<Record<string, readonly number[]>>

/** An idle consumer looks so often whether it must heartbeat. */
const IDLE_MS = 50
const HEARTBEAT_MS_MAX = 100

export interface MembershipOptions {
  readonly kafka: Kafka
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
}

/**
 * A member of a consumer group that reads nothing: kafkajs's consumer with all its partitions paused. It joins, heartbeats
 * whatever the process is busy with as long as timers run, and says what the group assigns. Who reads is the Fetcher.
 */
export class Membership {
  /** One for each join. Errors when the group cannot be held any longer. */
  readonly assigned$ = new Subject<Assignment>()
  readonly #consumer: Consumer
  readonly #topics: readonly string[]
  #joins = 0
  readonly #heartbeat$ = new Subject<void>()
  /** At each join, and at the end: what was assigned before need not hold any more. */
  readonly #lost$ = new Subject<void>()
  /** It has left, or the group cannot be held any longer. */
  #ended = false
  #joining: Promise<void> = Promise.resolve()

  constructor({ kafka, groupId, topics, sessionTimeoutMs }: MembershipOptions) {
    this.#topics = topics
    this.#consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(HEARTBEAT_MS_MAX, sessionTimeoutMs / 4),
      maxWaitTimeInMs: IDLE_MS,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    })
    const { HEARTBEAT, GROUP_JOIN, CRASH } = this.#consumer.events
    this.#consumer.on(HEARTBEAT, () => this.#heartbeat$.next())
    this.#consumer.on(CRASH, ({ payload }) => {
      this.#end()
      this.assigned$.error(payload.error)
    })
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      // before the first fetch of this join; a pause lasts for all later ones
      if (this.#joins++ === 0) this.#consumer.pause(topics.map((topic) => ({ topic })))
      this.#lost$.next()
      this.assigned$.next(payload.memberAssignment)
    })
  }

  /** Resolves when it has joined. */
  join(): Promise<void> {
    this.#joining = this.#join()
    return this.#joining
  }

  /**
   * Resolves when the group has taken a heartbeat that was sent after this call: the assignment of the last join still
   * holds. EngineError FENCED where another join comes first, or the end.
   */
  proven(): Promise<void> {
    if (this.#ended || this.#joins === 0) return Promise.reject(lost())
    const lost$ = this.#lost$.pipe(mergeMap(() => throwError(lost)))
    return firstValueFrom(merge(this.#heartbeat$.pipe(skip(1)), lost$)) // the first may have been under way at the call
  }

  /** As the present member of the group: refused by the broker where it is none any more. */
  async commit(offsets: TopicPartitionOffsetAndMetadata[]): Promise<void> {
    await this.#consumer.commitOffsets(offsets)
  }

  /**
   * Waits for a join under way: `disconnect` of kafkajs 2.2.4 does not stop a consumer that is still joining, which joins
   * all the same, and keeps its partitions.
   */
  async leave(): Promise<void> {
    this.#end()
    await this.#joining.catch(() => {})
    await this.#consumer.disconnect()
  }

  #end(): void {
    this.#ended = true
    this.#lost$.next()
  }

  async #join(): Promise<void> {
    await this.#consumer.connect()
    if (this.#ended) return
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
    if (this.#ended) return
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async () => {}, // of nothing: all is paused
    })
  }
}

function lost(): EngineError {
  return new EngineError('FENCED', 'the group was joined again, or left')
}
