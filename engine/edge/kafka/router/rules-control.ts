import { createHash } from 'node:crypto'
import type { Admin, Producer } from 'kafkajs'
import type { Broadcast, LogEntry, RuleSource } from '../../../model/block.ts'
import { encodeEntry } from '../../../model/block-codec.ts'
import { sourceName } from '../../../model/source-position.ts'
import type { Stream } from '../../../model/stream.ts'
import type { Logger } from '../../../model/telemetry.ts'
import { controlsOf } from '../../../plan/control-topics.ts'
import { type Exchange, exchangeTopic } from '../../../plan/exchange.ts'
import type { RoutedExchange } from '../../../plan/placing.ts'
import { filesFor } from '../../../plan/rule-files.ts'
import { broadcastsOf, contentsOf } from '../control-contents.ts'
import { listOfKey } from '../control-records.ts'
import type { PartitionReader, RawRecord } from '../partition-reader.ts'
import { routerTopic } from '../router-topic.ts'

interface Deps {
  readonly group: string
  readonly exchanges: readonly RoutedExchange[]
  readonly ruleFiles: readonly RuleSource[]
  readonly streams: readonly Stream[]
  /** What the routers noted last: `readNotes`. */
  readonly noted: ReadonlyMap<string, string>
  /** Ids of topics, where they are known. */
  readonly ids: ReadonlyMap<string, string>
  readonly admin: Admin
  readonly producer: Producer
  readonly reader: PartitionReader
  readonly log: Logger
}

/**
 * Puts the rule set into every exchange partition whose last control says something else, ahead of any event; and behind it
 * what the control topics that it reads hold, for what the partition has not seen of them. What it has seen is passed over.
 * Where one of them was not read there before, the rule set comes once more: events that are held are asked again, now that
 * it is known what their answers depend on.
 *
 * The last control is known from the routers' compacted topic, by exchange partition: the hash of the files, and the
 * exchange's topic and the control topics, with their ids: one that was made again has no rule set yet.
 * It is taken away before the control is written and put back after it was acknowledged, so that what stands there is never
 * wrong: after a crash in between the control is written once more, which changes nothing. (What the task keeps cannot tell:
 * the task may not have read the last control yet.)
 */
export async function writeRules(deps: Deps): Promise<void> {
  const { group, exchanges, ruleFiles, streams, noted: known, ids, producer, log } = deps
  const nameOf = (topic: string) => sourceName(topic, ids.get(topic) ?? '')
  const note = (keys: readonly string[], value: string | null) =>
    producer.send({
      topic: routerTopic(group),
      messages: keys.map((key) => ({ key, value, partition: 0 })),
      acks: -1,
    })
  for (const { exchange, partitions } of exchanges) {
    const files = filesFor(ruleFiles, exchange, streams)
    const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex')
    const target = exchangeTopic(group, exchange.id)
    const controls = controlsOf(group, exchange).map(({ topic }) => nameOf(topic))
    const noted = [hash, nameOf(target), ...controls].join(' ')
    const stale = Array.from({ length: partitions }, (_, p) => p).filter((p) => known.get(`${target}/${p}`) !== noted)
    if (stale.length === 0) continue
    log.info({ exchange: exchange.id, partitions: stale, rules: exchange.set.rules.length }, 'writing the rule set')
    const keys = stale.map((partition) => `${target}/${partition}`)
    await note(keys, null)
    const broadcasts = await heldBy(exchange, deps, nameOf)
    const isNews = ({ topic }: Broadcast) => keys.some((key) => !known.get(key)?.split(' ').includes(topic))
    const rules: LogEntry = { kind: 'rules', files }
    for (const entry of [rules, ...broadcasts, ...(broadcasts.some(isNews) ? [rules] : [])]) {
      const value = Buffer.from(encodeEntry(entry, streams))
      // The time of a control says nothing of events: 0 keeps it out of searches by time.
      const messages = stale.map((partition) => ({ value, partition, timestamp: '0' }))
      await producer.send({ topic: target, messages, acks: -1 })
    }
    await note(keys, noted)
  }
}

/** What the control topics of an exchange hold. Changes of lists that the rule set does not have are deleted. */
async function heldBy(
  exchange: Exchange,
  { group, admin, producer, reader }: Deps,
  nameOf: (topic: string) => string,
): Promise<Broadcast[]> {
  const lists = new Set(exchange.set.lists.map(({ id }) => id))
  const broadcasts: Broadcast[] = []
  for (const control of controlsOf(group, exchange)) {
    const contents = await contentsOf(admin, reader, control.topic)
    const isGone = ({ key }: RawRecord) => control.kind === 'lists' && !lists.has(listOfKey(String(key)))
    const messages = contents.filter(isGone).map(({ key }) => ({ key, value: null, partition: 0 }))
    if (messages.length > 0) await producer.send({ topic: control.topic, messages, acks: -1 })
    const kept = contents.filter((record) => !isGone(record))
    broadcasts.push(...broadcastsOf(control, kept).map((one) => ({ ...one, topic: nameOf(one.topic) })))
  }
  return broadcasts
}
