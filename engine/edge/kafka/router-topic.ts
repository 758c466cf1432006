import type { Admin, Producer } from 'kafkajs'
import type { Counters } from '../../model/counters.ts'
import type { Logger } from '../../model/telemetry.ts'
import type { PartitionReader } from './partition-reader.ts'

/*
 * What routers note in their compacted topic.
 *
 *   `<exchange topic>/<partition>`  the rule set that was last written there: `rules-control.ts`
 *   `clock`                         nothing: what it is written for is the time that the broker gives it
 *   `skip <topic>/<partition>@<offset>`  what is to be passed over: `skips.ts`
 *   `topic <name>`                  the id that a topic had when it was last read or written
 */
const TOPIC = 'topic '
/** Never has a value. */
const CLOCK = 'clock'

/** Small compacted topic of the routers. */
export function routerTopic(group: string): string {
  return `${group}.router`
}

/** By key. What cannot be read is passed over: whoever misses a note writes it again. */
export async function readNotes(group: string, admin: Admin, reader: PartitionReader): Promise<Map<string, string>> {
  const topic = routerTopic(group)
  const [{ low, high }] = await admin.fetchTopicOffsets(topic)
  const noted = new Map<string, string>()
  for await (const records of reader.read(topic, 0, Number(low), Number(high), () => true))
    for (const { key, value } of records) {
      if (value === null) noted.delete(String(key))
      else noted.set(String(key), String(value))
    }
  return noted
}

/** Counts and says which topics were made again since they were noted, and notes their ids. */
export async function noteTopics(
  noted: ReadonlyMap<string, string>,
  ids: ReadonlyMap<string, string>,
  deps: { readonly group: string; readonly producer: Producer; readonly counters: Counters; readonly log: Logger },
): Promise<void> {
  const { group, producer, counters, log } = deps
  const changed = [...ids].filter(([topic, id]) => id !== '' && noted.get(`${TOPIC}${topic}`) !== id)
  for (const [topic, id] of changed) {
    const was = noted.get(`${TOPIC}${topic}`)
    if (was === undefined) continue
    counters.counter('topics_recreated_total', { topic }).value++
    log.error({ topic, id, was }, 'a topic was deleted and made again; it is read from its beginning')
  }
  if (changed.length === 0) return
  const messages = changed.map(([topic, value]) => ({ key: `${TOPIC}${topic}`, value, partition: 0 }))
  await producer.send({ topic: routerTopic(group), messages, acks: -1 })
}

/** The broker's clock, epoch ms: the time that it gives a record. Null where the topic keeps the time of its producer. */
export async function brokerClock(producer: Producer, group: string): Promise<number | null> {
  const messages = [{ key: CLOCK, value: null, partition: 0 }]
  const [{ logAppendTime }] = await producer.send({ topic: routerTopic(group), messages, acks: -1 })
  const ms = Number(logAppendTime ?? -1)
  return ms >= 0 ? ms : null
}
