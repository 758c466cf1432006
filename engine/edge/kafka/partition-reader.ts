import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Kafka, type KafkaJSProtocolError } from 'kafkajs'
import { EngineError, LogCorrupt } from '../../model/errors.ts'
import { codeOf } from './errors.ts'
import { AbortedFilter } from './fetch/aborted.ts'
import { Cluster } from './fetch/cluster.ts'
import { type FetchedPart, faultOf, fetchRaw } from './fetch/fetch-request.ts'
import { batchEnd, lastOffsetOf, RecordBatch } from './fetch/record-batch.ts'

export interface RawRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Whether to go on behind what cannot be read. */
export type Passes = (fault: LogCorrupt) => boolean

const FETCH_BYTES_MAX = 4 << 20
const WAIT_MS_MAX = 100
/** Without a step forward for so long, somebody's transaction hides the rest, or the broker is gone. */
const STALL_MS_MAX = 30_000
const RETRY_MS = 50
/** Another broker leads the partition now, or none does yet: LEADER_NOT_AVAILABLE, NOT_LEADER, and of epochs. */
const LEADER_ELSEWHERE: readonly number[] = [5, 6, 74, 75, 76, 78]

/**
 * Reads a range of one partition, read-committed, without a consumer group: what a rebuild needs, for a group's consumer
 * can neither read two places of a partition nor a partition that is not assigned to it.
 *
 * kafkajs has no such reader, and its own filter of aborted records leaks some (docs/kafka.md): this one fetches and parses
 * by itself (`fetch/`).
 */
export class PartitionReader {
  readonly #cluster: Cluster
  #connected: Promise<void> | null = null
  /** One request at a time: two first ones at once make kafkajs open the connection twice, and lose one of them. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(kafka: Kafka) {
    this.#cluster = new Cluster(kafka)
  }

  /**
   * What `passes` says yes to is passed over: batches that cannot be read.
   *
   * Data records with `from <= offset < end`, in pieces, oldest first. EngineError LOG_BUSY when it gets no further for
   * 30 s, LOG_CORRUPT for records that cannot be read; or the reader of the pieces sees kafkajs's own errors: try again.
   */
  async *read(
    topic: string,
    partition: number,
    from: number,
    end: number,
    passes: Passes = () => false,
  ): AsyncGenerator<RawRecord[]> {
    for await (const part of this.#parts(topic, partition, from, end, passes)) {
      const records = part.flatMap((batch) => orPassed(passes, () => recordsOf(batch, from, end), []))
      if (records.length > 0) yield records
    }
  }

  /**
   * The same as whole batches with data: the first and the last may hold records outside of the range, which are the
   * caller's to skip. A batch keeps the bytes of its fetch, up to 4 MB, for as long as it is held.
   */
  async *batches(topic: string, partition: number, from: number, end: number): AsyncGenerator<RecordBatch> {
    for await (const part of this.#parts(topic, partition, from, end, () => false)) yield* part
  }

  async close(): Promise<void> {
    await this.#cluster.close()
  }

  /** Of each fetch that moved on, the batches with data. */
  async *#parts(
    topic: string,
    partition: number,
    from: number,
    end: number,
    passes: Passes,
  ): AsyncGenerator<RecordBatch[]> {
    this.#connected ??= this.#cluster.connect().catch((error) => {
      this.#connected = null
      throw error
    })
    await this.#connected
    let next = from
    let movedMs = performance.now()
    while (next < end) {
      const offset = next
      const fetched = this.#turn.then(() => this.#fetch(topic, partition, offset))
      this.#turn = fetched.catch(() => {})
      const part = await fetched
      if (part) {
        const passed = (last: number) => {
          next = Math.max(next, last + 1)
        }
        const batches = dataOf(part, end, passed, passes)
        if (batches.length > 0) yield batches
      }
      if (next > offset) movedMs = performance.now()
      else if (performance.now() - movedMs > STALL_MS_MAX)
        throw new EngineError(
          'LOG_BUSY',
          `${topic}/${partition} gives nothing from ${next} on, though it goes to ${end}`,
        )
    }
  }

  /** Null where nobody leads the partition just now. */
  async #fetch(topic: string, partition: number, offset: number): Promise<FetchedPart | null> {
    try {
      if (this.#cluster.leaderOf(topic, partition) === undefined) await this.#cluster.refresh(topic)
      const leader = this.#cluster.leaderOf(topic, partition)
      if (leader === undefined) throw new EngineError('LOG_BUSY', `${topic}/${partition} has no leader`)
      const broker = await this.#cluster.broker(leader)
      const wanted = [{ topic, partition, offset, bytesMax: FETCH_BYTES_MAX }]
      const { parts } = await fetchRaw(broker, wanted, { waitMsMax: WAIT_MS_MAX, bytesMax: FETCH_BYTES_MAX })
      if (parts[0].errorCode === 0) return parts[0]
      throw protocolError(`${topic}/${partition}`, parts[0].errorCode)
    } catch (error) {
      this.#cluster.forget(topic)
      if (!LEADER_ELSEWHERE.includes(codeOf(error) ?? 0)) throw error
      await sleep(RETRY_MS)
      return null
    }
  }
}

/** The batches of a fetch that hold data below `end`; `passed` is told the last offset of each one that was there. */
function dataOf(
  { topic, partition, records, aborted }: FetchedPart,
  end: number,
  passed: (last: number) => void,
  passes: Passes,
): RecordBatch[] {
  const place = `${topic}/${partition}`
  const filter = new AbortedFilter(aborted)
  const batches: RecordBatch[] = []
  for (let at = 0, next = batchEnd(records, 0, place); next >= 0; at = next, next = batchEnd(records, at, place)) {
    const batch = orPassed(passes, () => new RecordBatch(records, at, next, place), null)
    passed(lastOffsetOf(records, at, next))
    if (batch && !filter.drops(batch) && batch.count > 0 && batch.baseOffset < end) batches.push(batch)
  }
  return batches
}

function recordsOf(batch: RecordBatch, from: number, end: number): RawRecord[] {
  const records: RawRecord[] = []
  batch.beginAt(from)
  const cursor = batch.cursor()
  while (cursor.next() && cursor.offset < end) {
    const { bytes, offset, timestampMs, keyStart, keyEnd, valueStart, valueEnd } = cursor
    const key = keyEnd < 0 ? null : bytes.subarray(keyStart, keyEnd)
    const value = valueEnd < 0 ? null : bytes.subarray(valueStart, valueEnd)
    records.push({ offset, timestampMs, key, value })
  }
  return records
}

/** As kafkajs would throw it: whoever reads looks at its code. */
function protocolError(place: string, code: number): KafkaJSProtocolError {
  return new kafkajs.KafkaJSProtocolError(Object.assign(new Error(`${place}: ${faultOf(code)}`), { code }))
}

function orPassed<T>(passes: Passes, work: () => T, passed: T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof LogCorrupt && passes(error)) return passed
    throw error
  }
}
