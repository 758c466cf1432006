import type { Prng } from '../kit/prng.ts'
import type { LogRecord } from '../model/block.ts'
import type { Deal } from './deals.ts'
import type { Entry } from './generate/stream.ts'
import { type Case, recordsOf } from './generate.ts'

const JUMPS_MS = [-86_400_000, -200_000, -3_000, 3_000, 61_000, 600_000]
const BACKWARD = 12
const TOGETHER = 8

/** The case with clocks that jump: a single event, or everything of the stream from there on. */
export function withClockJumps(c: Case, random: Prng): Case {
  let shiftMs = 0
  const jumped = (deal: Deal): Deal => {
    if (random.next() >= 0.03) return { ...deal, timeMs: deal.timeMs + shiftMs }
    const jumpMs = JUMPS_MS[random.int(JUMPS_MS.length)]!
    if (jumpMs > 0 && random.next() < 0.5) shiftMs += jumpMs
    return { ...deal, timeMs: deal.timeMs + shiftMs + (jumpMs < 0 ? jumpMs : 0) }
  }
  const entries = c.entries.flatMap((entry): Entry[] =>
    entry.kind === 'mark'
      ? [{ ...entry, upToMs: entry.upToMs + shiftMs }]
      : entry.deals.map((deal) => ({ ...entry, deals: [jumped(deal)] })),
  )
  return { ...c, entries }
}

/**
 * The entries of a case as a router writes them that is restarted now and then: what it wrote last is written again, in
 * other blocks, and what is to come is interleaved anew. The order within a source partition stays what it was.
 */
export function deliveredAgain(c: Case, random: Prng): LogRecord[] {
  const written: Entry[] = []
  const rest = [...c.entries]
  while (rest.length > 0) {
    written.push(rest.shift()!)
    if (random.next() >= 0.1) continue
    const again = written.slice(-1 - random.int(BACKWARD)).filter((e) => e.kind === 'deals')
    const anew = interleaved(
      again.flatMap((e) => blockedAnew(e.partition, e.deals, random)),
      random,
    )
    written.push(...anew)
    rest.splice(0, TOGETHER, ...interleaved(rest.slice(0, TOGETHER), random))
  }
  return recordsOf({ stream: c.stream, entries: written })
}

function blockedAnew(partition: number, deals: readonly Deal[], random: Prng): Entry[] {
  const at = random.int(deals.length)
  const parts = at === 0 ? [deals] : [deals.slice(0, at), deals.slice(at)]
  return parts.map((part) => ({ kind: 'deals', partition, deals: part }))
}

/** A random order in which entries of the same source partition keep theirs. */
function interleaved(entries: readonly Entry[], random: Prng): Entry[] {
  const partitionOf = (e: Entry) => (e.kind === 'mark' ? e.sourcePartition : e.partition)
  const queues = new Map<number, Entry[]>()
  for (const e of entries) queues.set(partitionOf(e), [...(queues.get(partitionOf(e)) ?? []), e])
  const order: Entry[] = []
  while (order.length < entries.length) {
    const left = [...queues.values()].filter((queue) => queue.length > 0)
    order.push(left[random.int(left.length)]!.shift()!)
  }
  return order
}
