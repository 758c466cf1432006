import type { Admin, Producer } from 'kafkajs'
import { LogCorrupt } from '../../model/errors.ts'
import type { PartitionReader } from './partition-reader.ts'
import { readNotes, routerTopic } from './router-topic.ts'

const KEY = 'skip '
const LOOK_EVERY_MS = 2_000

/** Offsets of a partition that somebody said are to be passed over: `lapwing skip`. */
export interface Skip {
  readonly topic: string
  readonly partition: number
  /** First and last offset. */
  readonly from: number
  readonly to: number
  /** Why they could not be read. */
  readonly reason: string
  readonly at: string
}

/** What is to be passed over, as the group's router topic says: it stays there, for whoever reads the partition again. */
export class Skips {
  readonly #group: string
  readonly #admin: Admin
  readonly #reader: PartitionReader
  #all: readonly Skip[] = []
  #lookedAtMs = Number.NEGATIVE_INFINITY

  constructor(group: string, admin: Admin, reader: PartitionReader) {
    this.#group = group
    this.#admin = admin
    this.#reader = reader
  }

  /** Reads what is said now; at most every 2 s. */
  async look(): Promise<void> {
    if (performance.now() - this.#lookedAtMs < LOOK_EVERY_MS) return
    this.#lookedAtMs = performance.now()
    this.#all = skipsIn(await readNotes(this.#group, this.#admin, this.#reader))
  }

  /** The one that says to pass over what could not be read; null = none does. */
  find(topic: string, partition: number, offset: number): Skip | null {
    const isIn = (skip: Skip) => skip.topic === topic && skip.partition === partition
    return this.#all.find((skip) => isIn(skip) && skip.from <= offset && offset <= skip.to) ?? null
  }
}

export function skipsIn(notes: ReadonlyMap<string, string>): Skip[] {
  return [...notes].flatMap(([key, value]) => (key.startsWith(KEY) ? [JSON.parse(value) as Skip] : []))
}

export async function putSkip(skip: Skip, group: string, producer: Producer): Promise<void> {
  const key = `${KEY}${skip.topic}/${skip.partition}@${skip.from}`
  const messages = [{ key, value: JSON.stringify(skip), partition: 0 }]
  await producer.send({ topic: routerTopic(group), messages, acks: -1 })
}

/** Where reading broke off: the batch that cannot be read, or what comes next where it does not say. */
export function offsetOf(error: unknown, next: number): number {
  return error instanceof LogCorrupt && !Number.isNaN(error.baseOffset) ? error.baseOffset : next
}
