/**
 * Program: from source topics to columns with the engine's own reader and decoder, and no further. Says `ready`, then
 * `done`. What else the engine puts in their place is measured by changing `blocksOf` alone.
 */
import { SourceReader, type Stretch } from '../../engine/edge/kafka/source-reader.ts'
import { RecordDecoder } from '../../engine/edge/registry/record-decoder.ts'
import type { Block } from '../../engine/model/block.ts'
import { BlockBuilder } from '../../engine/model/block-builder.ts'
import { settings, tell } from './client.ts'
import { type Sources, shippedStream } from './rows.ts'

const BLOCK_ROWS = 1_000
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const { brokers, id, sources } = settings<{ brokers: string[]; id: string; sources: Sources }>()

/** The events of a stretch of a topic as columns. */
async function* blocksOf(reader: SourceReader, stretch: Stretch): AsyncGenerator<Block, void, undefined> {
  const { topic, partition } = stretch
  const stream = shippedStream(sources[topic])
  const decoder = new RecordDecoder(stream, null)
  const builder = new BlockBuilder(stream, topic, partition)
  for await (const records of reader.read(stretch)) {
    for (const { value, offset } of records) {
      const bad = decoder.decode(value, builder, offset, null)
      if (bad) throw new Error(`${topic}/${partition}:${offset}: ${bad.reason} ${bad.detail}`)
      if (builder.length === BLOCK_ROWS) yield builder.build()
    }
  }
  if (builder.length > 0) yield builder.build()
}

let [events, checksum] = [0, 0]
const read = async (reader: SourceReader, stretch: Stretch): Promise<void> => {
  for await (const block of blocksOf(reader, stretch)) {
    events += block.length
    for (let row = 0; row < block.length; row++) checksum += block.timesMs[row] % 1_000
  }
}
const topics = Object.keys(sources)
tell('ready')
const reader = await SourceReader.open({ brokers, group: id, ssl: false, sasl: null }, silent, topics)
const stretches = (await Promise.all(topics.map((topic) => reader.stretches(topic, 0)))).flat()
await Promise.all(stretches.map((stretch) => read(reader, stretch)))
tell('done', { events, checksum })
process.once('SIGTERM', async () => {
  await reader.close()
  process.exit(0)
})
setInterval(() => {}, 60_000) // until it is told to stop
