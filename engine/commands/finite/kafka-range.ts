import type { Config, KafkaConfig } from '../../config.ts'
import { SourceReader, type Stretch } from '../../edge/kafka/source-reader.ts'
import { decoderFor } from '../../edge/registry/formats/decoder-for.ts'
import { firstIdText, OwnIds } from '../../edge/registry/own-ids.ts'
import { ConfluentSchemas, type Schemas } from '../../edge/registry/schemas.ts'
import { batchOf } from '../../model/batch.ts'
import type { Batch, Block } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { RuleSet } from '../../model/rule.ts'
import { type Stream, streamOfType } from '../../model/stream.ts'
import { talk } from '../exit.ts'
import { serviceLogger } from '../service/serve.ts'
import { decodedBlocks } from './decoded.ts'
import { mergedByTime } from './merged.ts'
import { PassedOver } from './passed-over.ts'
import type { PlayInput } from './play.ts'
import { sortedBatches } from './sorted.ts'
import { type TimeRange, withinRange } from './time-range.ts'

export interface KafkaRangeOptions {
  readonly range: TimeRange
  readonly sort: boolean
  readonly strict: boolean
}

/** What the source topics held at one moment of a time range; it can be read several times, and is the same each time. */
export class KafkaHistory {
  readonly #reader: SourceReader
  readonly #stretches: readonly Stretch[]
  readonly #streams: readonly Stream[]
  readonly #schemas: Schemas | null
  readonly #options: KafkaRangeOptions

  private constructor(
    reader: SourceReader,
    stretches: readonly Stretch[],
    { streams, registry }: Config,
    options: KafkaRangeOptions,
  ) {
    this.#reader = reader
    this.#stretches = stretches
    this.#streams = streams
    this.#schemas = registry === null ? null : new ConfluentSchemas(registry)
    this.#options = options
  }

  /** Of the streams that the rules read. EngineError KAFKA_UNREACHABLE, INPUT_MISSING. */
  static async open(
    config: Config & { readonly log: KafkaConfig },
    set: RuleSet,
    options: KafkaRangeOptions,
  ): Promise<KafkaHistory> {
    const streams = streamsReadBy(set, config.streams)
    const topics = streams.map(({ topic }) => topic)
    const reader = await SourceReader.open(config.log, serviceLogger(), topics)
    try {
      const stretches: Stretch[] = []
      for (const { topic, maxAheadMs } of streams) {
        // no record is older, by its own timestamp, than its event less max_ahead: that would be FUTURE_TIME
        const found = await reader.stretches(topic, options.range.fromMs - maxAheadMs)
        const records = found.reduce((sum, { from, end }) => sum + end - from, 0)
        talk(
          `${topic}: ${records.toLocaleString('en-US')} records in ${found.length} partitions, from that time to now`,
        )
        stretches.push(...found)
      }
      return new KafkaHistory(reader, stretches, config, options)
    } catch (error) {
      await reader.close()
      throw error
    }
  }

  fresh(): PlayInput {
    return new KafkaRange(this.#reader, this.#stretches, this.#streams, this.#schemas, this.#options)
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }
}

class KafkaRange implements PlayInput {
  readonly ahead = 0
  readonly firstAhead = null
  readonly late = null
  readonly #passedOver = new PassedOver()
  /** Of changes that are no events. */
  readonly #counters = new Counters()
  readonly #ownIds = new OwnIds((stream, id) => talk(firstIdText(stream, id)))
  readonly #reader: SourceReader
  readonly #stretches: readonly Stretch[]
  readonly #streams: readonly Stream[]
  readonly #schemas: Schemas | null
  readonly #options: KafkaRangeOptions
  /** Of each stretch, records read. */
  readonly #read: number[]

  constructor(
    reader: SourceReader,
    stretches: readonly Stretch[],
    streams: readonly Stream[],
    schemas: Schemas | null,
    options: KafkaRangeOptions,
  ) {
    this.#reader = reader
    this.#stretches = stretches
    this.#streams = streams
    this.#schemas = schemas
    this.#options = options
    this.#read = stretches.map(() => 0)
  }

  get name(): string {
    return [...new Set(this.#stretches.map(({ topic }) => topic))].join(', ')
  }

  get malformed(): number {
    return this.#passedOver.count
  }

  get share(): number | null {
    const all = this.#stretches.reduce((sum, { from, end }) => sum + end - from, 0)
    return all === 0 ? null : this.#read.reduce((sum, read) => sum + read, 0) / all
  }

  async *batches(): AsyncGenerator<Batch, void, undefined> {
    const merged = mergedByTime(this.#stretches.map((_, index) => this.#blocks(index)))
    yield* this.#options.sort ? sortedBatches(merged, this.#streams) : merged
    for (const { labels, value } of this.#counters.all())
      talk(`${labels.stream}: passed over: ${value.toLocaleString('en-US')} ${labels.change}`)
  }

  /** The blocks of one stretch, only events of the range; it is read until it stands behind the range. */
  async *#blocks(index: number): AsyncGenerator<Block, void, undefined> {
    const stretch = this.#stretches[index]!
    const { topic, partition, from, end } = stretch
    const { range, strict } = this.#options
    const stream = this.#streams.find((s) => s.topic === topic)!
    const blocks = decodedBlocks(this.#reader.read(stretch), {
      decoder: decoderFor(stream, this.#schemas, this.#counters, this.#ownIds),
      builder: new BlockBuilder(stream, topic, partition),
      untilMs: range.toMs + stream.latenessMs,
      onBad: ({ offset }, reason) => {
        const where = `${topic}/${partition}:${offset}`
        if (strict) throw new EngineError('INPUT_MALFORMED', `${where}: ${reason}`)
        this.#passedOver.add(where, reason)
      },
      onRead: (offset) => {
        this.#read[index] = offset - from
      },
    })
    for await (const batch of withinRange(alone(blocks), range, this.#streams)) yield batch.blocks[0]!
    this.#read[index] = end - from
  }
}

async function* alone(blocks: AsyncIterable<Block>): AsyncGenerator<Batch, void, undefined> {
  for await (const block of blocks) yield batchOf([block])
}

function streamsReadBy({ rules, sequences, rankings, features }: RuleSet, streams: readonly Stream[]): Stream[] {
  const types = [...rules, ...sequences, ...rankings, ...features].flatMap(({ on }) => on)
  return streams.filter((stream) => types.some((type) => streamOfType(streams, type) === stream))
}
