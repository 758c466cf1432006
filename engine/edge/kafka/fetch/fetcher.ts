import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { EngineError } from '../../../model/errors.ts'
import { OFFSET_OUT_OF_RANGE, reasonOf } from '../errors.ts'
import { Cluster } from './cluster.ts'
import { type Feed, FeedState } from './feed.ts'
import { type FetchAnswer, faultOf, fetchRaw } from './fetch-request.ts'

export type { Feed } from './feed.ts'

export interface FetcherOptions {
  /** How long a broker may hold a request when it has nothing. A feed that is opened or sought waits as long at most. */
  readonly maxWaitMs?: number
  /** Of one answer. */
  readonly bytesMax?: number
  /** Of one partition in one answer. */
  readonly partitionBytesMax?: number
  /** Of one feed: while less than this waits to be taken, more is fetched. So it holds this and one more answer at most. */
  readonly bufferBytes?: number
}

const DEFAULTS = { maxWaitMs: 50, bytesMax: 16 << 20, partitionBytesMax: 1 << 20, bufferBytes: 2 << 20 }
const BACK_OFF_MS = 20
const BACK_OFF_MS_MAX = 1_000

/** A feed, and the broker that it is read from. */
interface Seat {
  /** Empty = whatever has the name. */
  readonly topicId: string
  readonly feed: FeedState
  leader: Leader | null
  /** In a row. */
  failures: number
}

/** One broker, which leads partitions: what is read from it, in the order of the next request. */
interface Leader {
  readonly nodeId: number
  seats: Seat[]
  running: boolean
}

/**
 * Reads partitions by pull, read-committed and without a consumer group. Each broker has one request under way, for all
 * feeds of it that have room; the order in it rotates, since what comes first is served first. What was fetched lies as it
 * came until it is taken, so one slow feed holds up none. When a broker is lost or no longer leads a partition, its feeds
 * say so (`trouble`) and go on where they were as soon as somebody leads.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: Required<FetcherOptions>
  readonly #leaders = new Map<number, Leader>()
  readonly #feeds = new Set<FeedState>()
  /** What is under way: `close` waits for it. */
  readonly #busy = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  readonly #waiting = new Set<() => void>()
  #hasNews = false

  constructor(kafka: Kafka, options: FetcherOptions = {}) {
    this.#cluster = new Cluster(kafka)
    this.#options = { ...DEFAULTS, ...options }
  }

  /** Starts fetching at offset `from`. `topicId`: of that topic and no other that gets its name. */
  open(topic: string, partition: number, from: number, topicId = ''): Feed {
    const seat: Seat = {
      topicId,
      feed: new FeedState(topic, partition, from, () => this.#changed(seat)),
      leader: null,
      failures: 0,
    }
    this.#feeds.add(seat.feed)
    this.#inBackground(this.#place(seat))
    return seat.feed
  }

  /**
   * Resolves when a feed has something new since this last resolved (batches, a failure, trouble, another end), at once if
   * it came before the call; also when `signal` aborts. That the fetcher is closed is the last news. There may be less to
   * take than news.
   */
  async news(signal: AbortSignal): Promise<void> {
    if (!this.#hasNews && !signal.aborted)
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake)
          this.#waiting.delete(wake)
          resolve()
        }
        signal.addEventListener('abort', wake)
        this.#waiting.add(wake)
      })
    if (!signal.aborted) this.#hasNews = false
  }

  /** Ends all feeds; resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const feed of this.#feeds) feed.close()
    this.#tell()
    await Promise.all(this.#busy)
    await this.#cluster.close()
  }

  #changed(seat: Seat): void {
    if (seat.feed.closed) this.#leave(seat)
    else if (seat.leader) this.#start(seat.leader)
  }

  #leave(seat: Seat): void {
    this.#feeds.delete(seat.feed)
    if (seat.leader) seat.leader.seats = seat.leader.seats.filter((other) => other !== seat)
    seat.leader = null
  }

  /** Finds the broker that leads its partition, for as long as it takes. */
  async #place(seat: Seat): Promise<void> {
    const { feed } = seat
    for (;;) {
      try {
        if (seat.failures > 0) await this.#backOff(seat.failures)
        if (feed.closed) return
        if (seat.failures > 0 || this.#cluster.leaderOf(feed.topic, feed.partition) === undefined)
          await this.#cluster.refresh(feed.topic)
        const nodeId = this.#cluster.leaderOf(feed.topic, feed.partition)
        if (nodeId === undefined) throw new Error('it has no leader')
        if (feed.closed) return
        seat.leader = this.#leaderOf(nodeId)
        seat.leader.seats.push(seat)
        this.#start(seat.leader)
        return
      } catch (error) {
        if (feed.closed) return
        this.#trouble(seat, reasonOf(error))
      }
    }
  }

  /** Takes a feed from its broker, and looks for another. */
  #displace(seat: Seat, reason: string): void {
    const { leader } = seat
    if (!leader) return
    leader.seats = leader.seats.filter((other) => other !== seat)
    seat.leader = null
    this.#trouble(seat, reason)
    this.#inBackground(this.#place(seat))
  }

  #trouble(seat: Seat, reason: string): void {
    seat.failures++
    const isNew = seat.feed.trouble === null
    seat.feed.trouble = `${seat.feed.place}: ${reason}`
    if (isNew) this.#tell()
  }

  async #backOff(failures: number): Promise<void> {
    const ms = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS * 2 ** (failures - 1))
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => {})
  }

  #leaderOf(nodeId: number): Leader {
    const leader = this.#leaders.get(nodeId) ?? { nodeId, seats: [], running: false }
    this.#leaders.set(nodeId, leader)
    return leader
  }

  #start(leader: Leader): void {
    if (!leader.running && !this.#closing.signal.aborted) this.#inBackground(this.#run(leader))
  }

  async #run(leader: Leader): Promise<void> {
    leader.running = true
    for (let seats = this.#choose(leader); seats.length > 0; seats = this.#choose(leader))
      await this.#fetch(leader, seats)
    leader.running = false
  }

  /** Who is asked for next; the first goes to the back. */
  #choose(leader: Leader): Seat[] {
    if (this.#closing.signal.aborted) return []
    const chosen = new Map<string, Seat>() // one request cannot ask twice for a partition
    for (const seat of leader.seats)
      if (seat.feed.wants(this.#options.bufferBytes) && !chosen.has(seat.feed.place)) chosen.set(seat.feed.place, seat)
    const [first, ...rest] = chosen.values()
    if (first) leader.seats = [...leader.seats.filter((seat) => seat !== first), first]
    return first ? [first, ...rest] : []
  }

  async #fetch(leader: Leader, seats: readonly Seat[]): Promise<void> {
    const { maxWaitMs, bytesMax, partitionBytesMax } = this.#options
    const epochs = seats.map(({ feed }) => feed.epoch)
    const wanted = seats.map(({ topicId, feed: { topic, partition, fetched: offset } }) => {
      return { topic, topicId, partition, offset, bytesMax: partitionBytesMax }
    })
    let answer: FetchAnswer
    try {
      const broker = await this.#cluster.broker(leader.nodeId)
      answer = await fetchRaw(broker, wanted, { waitMsMax: maxWaitMs, bytesMax })
    } catch (error) {
      for (const seat of seats) this.#displace(seat, reasonOf(error))
      return
    }
    this.#deliver(seats, epochs, answer)
  }

  #deliver(seats: readonly Seat[], epochs: readonly number[], { parts, throttleMs }: FetchAnswer): void {
    const byPlace = new Map(parts.map((part) => [`${part.topic}/${part.partition}`, part]))
    let complete = throttleMs === 0 // and nobody before took all of the answer's bytes
    let isNews = false
    for (const [i, seat] of seats.entries()) {
      const { feed } = seat
      const part = byPlace.get(feed.place)
      const isCurrent = feed.epoch === epochs[i]
      // a broker that throttles answers at once, with nothing
      if (part === undefined && throttleMs > 0) continue
      if (part === undefined) this.#displace(seat, 'the broker left it out')
      else if (!isCurrent) complete &&= part.records.length === 0
      else if (part.errorCode === OFFSET_OUT_OF_RANGE) this.#inBackground(this.#outOfRange(seat))
      else if (part.errorCode !== 0) this.#displace(seat, faultOf(part.errorCode))
      else {
        seat.failures = 0
        isNews = feed.receive(part, complete, performance.now()) || isNews
        complete &&= part.records.length === 0
      }
    }
    if (isNews) this.#tell()
  }

  /** An offset outside the log is a gap, unless the broker now says otherwise: one that just began to lead may not know. */
  async #outOfRange(seat: Seat): Promise<void> {
    const { feed, leader } = seat
    if (!leader) return
    leader.seats = leader.seats.filter((other) => other !== seat) // not asked for meanwhile
    const { epoch, fetched } = feed
    const bounds = await this.#cluster.bounds(feed.topic, feed.partition).catch(reasonOf)
    if (feed.closed) return
    leader.seats.push(seat)
    if (feed.epoch !== epoch) return this.#start(leader)
    if (typeof bounds === 'string') return this.#displace(seat, bounds)
    const { low, high } = bounds
    if (fetched >= low && fetched <= high) return this.#displace(seat, 'its log is not there yet')
    const what = `the next record to read is ${fetched}, the log holds ${low} to ${high - 1}`
    feed.fail(new EngineError('LOG_GAP', `${feed.place}: ${what}`))
    feed.logStart = low
    feed.highWatermark = high
    this.#tell()
  }

  #inBackground(work: Promise<void>): void {
    this.#busy.add(work)
    work.finally(() => this.#busy.delete(work))
  }

  #tell(): void {
    this.#hasNews = true
    for (const wake of [...this.#waiting]) wake()
  }
}
