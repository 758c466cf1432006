import fc from 'fast-check'
import type { Mark } from '../../model/block.ts'
import type { Stream } from '../../model/stream.ts'
import { DEAL_TYPES, type Deal, dealStream } from '../deals.ts'
import { SHOPS } from './expressions.ts'
import { startMs } from './times.ts'

/** What a task reads, as plain objects that print well. */
export type Entry = { readonly kind: 'deals'; readonly partition: number; readonly deals: readonly Deal[] } | Mark

const BLOCK_SPAN_MS_MAX = 100
const BEYOND_63_BITS = 1e13

/** How fast events follow each other. */
const PACES_MS = {
  dense: [0, 0, 1, 2, 5, 10],
  middle: [0, 10, 50, 90, 100],
  sparse: [0, 100, 1_000, 7_000, 60_000],
  mixed: [0, 1, 10, 10, 50, 100, 900, 1_000],
}

/** Numbers that are taken modulo something once the case is known. */
const dealSeed = fc.record({
  kind: fc.constant('deal' as const),
  gap: fc.nat({ max: 59 }),
  silenceMs: fc.oneof({ weight: 60, arbitrary: fc.constant(0) }, fc.constantFrom(1_000, 7_000, 60_000, 130_000)),
  lateMs: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.constantFrom(1, 10, 50, 100, 1_000) },
    { weight: 1, arbitrary: fc.constantFrom(2_000, 5_000, 60_000, 130_000) },
  ),
  partition: fc.nat({ max: 5 }),
  freshBlock: fc.boolean(),
  skippedOffsets: fc.constantFrom(0, 0, 0, 1, 7),
  /** The id of the deal so many before this one. */
  sameIdAs: fc.oneof({ weight: 15, arbitrary: fc.constant(null) }, fc.nat({ max: 9 })),
  type: fc.constantFrom(...DEAL_TYPES),
  shop: fc.nat({ max: 9_999 }),
  buyer: fc.nat({ max: 9_999 }),
  device: fc.option(fc.nat({ max: 2 }), { freq: 4 }),
  price: fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.constantFrom(0n, 10_000n, 12_345n, 25_000n, -5_000n) },
    { weight: 1, arbitrary: fc.constantFrom(10n ** 17n, -(10n ** 18n) + 1n, 2n ** 53n + 1n, 1n << 32n, -1n) },
  ),
  points: fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.constantFrom(0.5, 1, 2.25, 0.1, 0.2, -3) },
    { weight: 1, arbitrary: fc.constantFrom(0.123_456_7, BEYOND_63_BITS, -BEYOND_63_BITS, 1e12, 1e-9) },
  ),
  count: fc.oneof(
    { weight: 8, arbitrary: fc.nat({ max: 5 }) },
    { weight: 1, arbitrary: fc.constantFrom(null, 100, -2, 2 ** 52) },
  ),
  isNew: fc.constantFrom(true, false, null),
})

/** A block that comes once more, in part. */
const replaySeed = fc.record({ kind: fc.constant('replay' as const), back: fc.nat({ max: 9 }) })

const markSeed = fc.record({
  kind: fc.constant('mark' as const),
  /** null: every source partition sends one. */
  partition: fc.option(fc.nat({ max: 5 }), { freq: 2 }),
  aheadMs: fc.constantFrom(0, 1, 10, 100, 1_000, 8_000, 61_000, -50, -1_000),
  withControls: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
})

const stepSeed = fc.oneof(
  { weight: 20, arbitrary: dealSeed },
  { weight: 1, arbitrary: replaySeed },
  { weight: 2, arbitrary: markSeed },
)

export interface Traffic {
  readonly startMs: number
  readonly stream: Stream
  readonly entries: readonly Entry[]
}

const shapeSeed = fc.record({
  startMs,
  pace: fc.constantFrom('dense' as const, 'middle' as const, 'sparse' as const, 'mixed' as const, 'mixed' as const),
  partitions: fc.constantFrom(1, 2, 3),
  /** Different shops and buyers; SHOPS first. */
  shops: fc.constantFrom(1, 2, 2, 3, 6, 5_000),
  buyers: fc.constantFrom(1, 2, 2, 3, 6, 5_000),
  latenessMs: fc.constantFrom(0, 50, 2_000, 120_000, 120_000),
  dedupeMs: fc.constantFrom(0, 100, 600_000),
  hasIds: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
})

/** Blocks and marks of one to three source partitions: disorder, repetition, equal times, silence. */
export const traffic = (stepsMax: number): fc.Arbitrary<Traffic> =>
  fc
    .record({ shape: shapeSeed, steps: fc.array(stepSeed, { maxLength: stepsMax, size: 'max' }) })
    .map(({ shape, steps }) => build(shape, steps))

type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never

function build(shape: Generated<typeof shapeSeed>, steps: readonly Generated<typeof stepSeed>[]): Traffic {
  const stream: Stream = {
    ...dealStream,
    latenessMs: shape.latenessMs,
    dedupeMs: shape.dedupeMs,
    idField: shape.hasIds ? 'id' : null,
  }
  const sources = Array.from({ length: shape.partitions }, (_, p) => `${stream.topic}/${p}`)
  const entries: Entry[] = []
  const sent: { partition: number; deal: Deal }[] = []
  const nextOffset = sources.map(() => 0)
  let nowMs = shape.startMs
  const send = (partition: number, deal: Deal, freshBlock: boolean) => {
    const last = entries.at(-1)
    if (freshBlock || last?.kind !== 'deals' || last.partition !== partition || !joins(last.deals, deal))
      entries.push({ kind: 'deals', partition, deals: [deal] })
    else entries[entries.length - 1] = { ...last, deals: [...last.deals, deal] }
  }
  for (const step of steps) {
    if (step.kind === 'deal') {
      const gaps = PACES_MS[shape.pace]
      nowMs += gaps[step.gap % gaps.length]! + step.silenceMs
      const partition = step.partition % shape.partitions
      const offset = nextOffset[partition]! + step.skippedOffsets
      nextOffset[partition] = offset + 1
      const twin = step.sameIdAs === null ? undefined : sent.at(-1 - step.sameIdAs)
      const deal: Deal = {
        timeMs: nowMs - step.lateMs,
        offset,
        id: twin?.deal.id ?? `e${sent.length}`,
        type: step.type,
        shop: SHOPS[step.shop % shape.shops] ?? `s${step.shop % shape.shops}`,
        buyer: `b${step.buyer % shape.buyers}`,
        device: step.device === null ? null : `d${step.device}`,
        price: step.price,
        points: step.points,
        count: step.count,
        isNew: step.isNew,
      }
      sent.push({ partition, deal })
      send(partition, deal, step.freshBlock)
    } else if (step.kind === 'replay') {
      const again = sent.at(-1 - step.back)
      if (again) send(again.partition, again.deal, true)
    } else {
      const partitions = step.partition === null ? sources.keys() : [step.partition % shape.partitions]
      for (const sourcePartition of partitions)
        entries.push({
          kind: 'mark',
          sourceTopic: stream.topic,
          sourcePartition,
          upToMs: nowMs + step.aheadMs,
          sources: step.withControls ? [...sources, 'controls/0'] : sources,
        })
      if (step.aheadMs > 0) nowMs += step.aheadMs
    }
  }
  return { startMs: shape.startMs, stream, entries }
}

/** Offsets rise within a block, and it spans 100 ms at most. */
function joins(deals: readonly Deal[], next: Deal): boolean {
  const times = [...deals, next].map((d) => d.timeMs)
  return deals.at(-1)!.offset < next.offset && Math.max(...times) - Math.min(...times) <= BLOCK_SPAN_MS_MAX
}
