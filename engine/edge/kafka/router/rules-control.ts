import { createHash } from 'node:crypto'
import type { Admin, Producer } from 'kafkajs'
import type { Broadcast, RuleSource } from '../../../model/block.ts'
import { encodeEntry } from '../../../model/block-codec.ts'
import type { Stream } from '../../../model/stream.ts'
import type { RoutedExchange } from '../../../plan/block-router.ts'
import { controlsOf, listsTopic } from '../../../plan/control-topics.ts'
import { exchangeTopic } from '../../../plan/exchange.ts'
import { filesFor } from '../../../plan/rule-files.ts'
import { broadcastsOf, contentsOf } from '../control-contents.ts'
import { listOfKey } from '../control-records.ts'
import type { Logger } from '../log.ts'
import type { PartitionReader, RawRecord } from '../partition-reader.ts'
import { routerTopic } from '../topics.ts'

interface Deps {
  readonly group: string
  readonly exchanges: readonly RoutedExchange[]
  readonly ruleFiles: readonly RuleSource[]
  readonly streams: readonly Stream[]
  readonly admin: Admin
  readonly producer: Producer
  readonly reader: PartitionReader
  readonly log: Logger
}

/**
 * Puts the rule set into every exchange partition whose last control says something else, ahead of any event; and behind it
 * what the control topics that it reads hold, for what the partition has not seen of them. What it has seen is passed over.
 *
 * The last control is known from the routers' compacted topic, by exchange partition: the hash of the files. It is taken
 * away before the control is written and put back after it was acknowledged, so that what stands there is never wrong:
 * after a crash in between the control is written once more, which changes nothing. (What the task keeps cannot tell: the
 * task may not have read the last control yet.)
 */
export async function writeRules({
  group,
  exchanges,
  ruleFiles,
  streams,
  admin,
  producer,
  reader,
  log,
}: Deps): Promise<void> {
  const known = await lastControls(group, admin, reader)
  const topic = routerTopic(group)
  const note = (keys: readonly string[], value: string | null) =>
    producer.send({ topic, messages: keys.map((key) => ({ key, value, partition: 0 })), acks: -1 })
  /** Whatever was changed of lists that the rule set does not have is forgotten. */
  const withoutGone = async (contents: readonly RawRecord[]): Promise<RawRecord[]> => {
    const known = new Set(exchanges.flatMap(({ exchange }) => exchange.set.lists.map(({ id }) => id)))
    const [kept, gone] = [true, false].map((is) =>
      contents.filter(({ key }) => known.has(listOfKey(String(key))) === is),
    )
    const messages = gone.map(({ key }) => ({ key, value: null, partition: 0 }))
    if (messages.length > 0) await producer.send({ topic: listsTopic(group), messages, acks: -1 })
    return kept
  }
  for (const { exchange, partitions } of exchanges) {
    const files = filesFor(ruleFiles, exchange, streams)
    const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex')
    const target = exchangeTopic(group, exchange.id)
    const stale = Array.from({ length: partitions }, (_, p) => p).filter((p) => known.get(`${target}/${p}`) !== hash)
    if (stale.length === 0) continue
    log.info({ exchange: exchange.id, partitions: stale, rules: exchange.set.rules.length }, 'writing the rule set')
    const keys = stale.map((partition) => `${target}/${partition}`)
    const value = Buffer.from(encodeEntry({ kind: 'rules', files }, streams))
    await note(keys, null)
    const controls = controlsOf(group, exchange)
    const broadcasts: Broadcast[] = []
    for (const control of controls) {
      let contents = await contentsOf(admin, reader, control.topic)
      if (control.kind === 'lists') contents = await withoutGone(contents)
      broadcasts.push(...broadcastsOf(control, contents))
    }
    // The time of a control says nothing of events: 0 keeps it out of searches by time.
    for (const bytes of [value, ...broadcasts.map((broadcast) => Buffer.from(encodeEntry(broadcast, streams)))])
      await producer.send({
        topic: target,
        messages: stale.map((partition) => ({ value: bytes, partition, timestamp: '0' })),
        acks: -1,
      })
    await note(keys, hash)
  }
}

async function lastControls(group: string, admin: Admin, reader: PartitionReader): Promise<Map<string, string>> {
  const topic = routerTopic(group)
  const [{ low, high }] = await admin.fetchTopicOffsets(topic)
  const known = new Map<string, string>()
  for await (const records of reader.read(topic, 0, Number(low), Number(high)))
    for (const { key, value } of records) {
      if (value === null) known.delete(String(key))
      else known.set(String(key), String(value))
    }
  return known
}
