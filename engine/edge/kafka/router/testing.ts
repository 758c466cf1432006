import { Counters } from '../../../model/counters.ts'
import { Placing, type RoutedExchange } from '../../../plan/placing.ts'
import { planExchanges } from '../../../plan/plan.ts'
import { fileOf, ruleText, STREAMS, setOf } from '../../../plan/testing.ts'
import { batchBytes, TestFeed, type TestRecord } from '../fetch/testing.ts'
import type { Decoder } from '../ports.ts'
import { SourceLane } from './source-lane.ts'

/** Values are `time`, or `bad`; `id:time` needs the registry to know `id` first. A record without a value says nothing. */
export class TextDecoder implements Decoder {
  readonly known = new Set<string>()
  asked = 0
  answer: () => Promise<void> = async () => {}

  prepare(...[bytes, start, end]: Parameters<Decoder['prepare']>): Promise<void> | null {
    const text = textOf(bytes, start, end)
    if (!text.includes(':') || this.known.has(text.split(':')[0])) return null
    this.asked++
    return this.answer()
  }

  decode(...[bytes, start, end, builder, offset]: Parameters<Decoder['decode']>) {
    const text = textOf(bytes, start, end)
    if (text === 'bad') return { reason: 'MALFORMED', detail: 'it says so' } as const
    if (text !== '') builder.begin(offset, Number(text.split(':').at(-1)), 'order.created')
    return null
  }
}

function textOf(bytes: Uint8Array | null, start: number, end: number): string {
  return bytes === null ? '' : Buffer.from(bytes.subarray(start, end)).toString()
}

/** Two exchanges of two partitions: by buyer, and by shop. Rows without either go to partition 0. */
export const EXCHANGES: readonly RoutedExchange[] = planExchanges(
  setOf(fileOf(ruleText('a', '[buyer_id]'), ruleText('b', '[shop_id]'))),
  STREAMS,
).map((exchange) => ({ exchange, partitions: 2 }))

/** A partition of `orders`, the feed that fills it, and what it tells. */
export function laneOf(from = 0, decoder: Decoder = new TextDecoder(), partition = 0) {
  const feed = new TestFeed(from, 'orders', partition)
  const placing = new Placing(STREAMS[0], EXCHANGES, new Counters())
  const lane = new SourceLane({ stream: STREAMS[0], topic: 'orders', partition }, decoder, placing, feed)
  const bad: number[] = []
  const gaps: number[] = []
  const stuck: string[] = []
  const stage = () =>
    lane.stage(0, {
      bad: (_lane, { offset }) => bad.push(offset),
      gap: (_lane, lost) => gaps.push(lost),
      stuck: (_lane, reason) => stuck.push(reason),
    })
  /** One batch of these values. */
  const push = (offset: number, ...values: (string | null)[]) =>
    pushRecords(offset, ...values.map((value): TestRecord => ({ value })))
  const pushRecords = (offset: number, ...records: TestRecord[]) =>
    feed.push(offset + records.length - 1, batchBytes(offset, records))
  return { lane, feed, bad, gaps, stuck, stage, push, pushRecords }
}
