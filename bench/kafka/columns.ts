/**
 * Program: from source topics to columns with the engine's own reader and decoder, and no further. Says `ready`, then
 * `done`. What else the engine puts in their place is measured by changing `blocksOf` alone.
 */
import { createClient } from '../../engine/edge/kafka/client.ts'
import { type Feed, Fetcher } from '../../engine/edge/kafka/fetch/fetcher.ts'
import { RecordDecoder } from '../../engine/edge/registry/record-decoder.ts'
import type { Block } from '../../engine/model/block.ts'
import { BlockBuilder } from '../../engine/model/block-builder.ts'
import { settings, tell } from './client.ts'
import { type Sources, shippedStream } from './rows.ts'

const BLOCK_ROWS = 1_000
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const { brokers, id, sources } = settings<{ brokers: string[]; id: string; sources: Sources }>()

/** The events of a partition as columns: the path of the router, without what comes behind it. */
function* blocksOf(feed: Feed, builder: BlockBuilder, decoder: RecordDecoder): Generator<Block, void, undefined> {
  for (let batch = feed.take(); batch; batch = feed.take()) {
    for (const cursor = batch.cursor(); cursor.next(); ) {
      const { bytes, valueStart, valueEnd, offset } = cursor
      const bad = decoder.decode(bytes, valueStart, valueEnd, builder, offset, null)
      if (bad) throw new Error(`${feed.topic}/${feed.partition}:${offset}: ${bad.reason} ${bad.detail}`)
      if (builder.length === BLOCK_ROWS) yield builder.build()
    }
  }
  if (builder.length > 0) yield builder.build()
}

let [events, checksum] = [0, 0]
const topics = Object.keys(sources)
const kafka = createClient({ brokers, group: id, ssl: false, sasl: null }, silent)
const admin = kafka.admin()
const fetcher = new Fetcher(kafka)
tell('ready')
await admin.connect()
const lanes = []
for (const topic of topics) {
  const stream = shippedStream(sources[topic])
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    const feed = fetcher.open(topic, partition, Number(low))
    const [builder, decoder] = [new BlockBuilder(stream, topic, partition), new RecordDecoder(stream, null)]
    lanes.push({ feed, builder, decoder, end: Number(high) })
  }
}
const never = new AbortController()
while (lanes.some(({ feed, end }) => feed.position < end)) {
  await fetcher.news(never.signal)
  for (const { feed, builder, decoder } of lanes) {
    for (const block of blocksOf(feed, builder, decoder)) {
      events += block.length
      for (let row = 0; row < block.length; row++) checksum += block.timesMs[row] % 1_000
    }
  }
}
tell('done', { events, checksum })
process.once('SIGTERM', async () => {
  await Promise.all([fetcher.close(), admin.disconnect()])
  process.exit(0)
})
setInterval(() => {}, 60_000) // until it is told to stop
