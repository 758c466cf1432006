import { EventEncoder } from '../../engine/edge/registry/record-encoder.ts'
import { partitionOfValue } from '../../engine/plan/partition.ts'
import { EVENTS_PER_ORDER, Traffic } from '../../engine/traffic/traffic.ts'
import { type Backlog, type Event, ending, START_MS, wholeBacklog } from './events.ts'
import { stateEvents } from './probes.ts'
import { recordOf, shippedStream } from './rows.ts'

/** What a source is filled with: one of three. */
export type FillPlan =
  | { readonly kind: 'backlog'; readonly topic: string; readonly backlog: Backlog }
  /** The traffic generator's two streams, for the rules that ship. */
  | { readonly kind: 'traffic'; readonly transactions: string; readonly behavior: string; readonly backlog: Backlog }
  /** Orders of the hour before `untilMs` that one partition out of `of` holds. */
  | {
      readonly kind: 'state'
      readonly topic: string
      readonly count: number
      readonly untilMs: number
      readonly of: number
    }

/** The partition that a filled state belongs to. */
export const FILLED_PARTITION = 0

export interface Outgoing {
  readonly topic: string
  readonly key: string
  readonly timeMs: number
  readonly value: Buffer
}

export function* outgoing(plan: FillPlan): Generator<Outgoing, void, undefined> {
  if (plan.kind === 'traffic') return yield* traffic(plan)
  if (plan.kind === 'backlog') return yield* orders(plan.topic, wholeBacklog(plan.backlog))
  const held = (shop: string): boolean => partitionOfValue(shop, plan.of) === FILLED_PARTITION
  yield* orders(plan.topic, stateEvents(plan.count, plan.untilMs, held, 1))
}

function* orders(topic: string, events: Iterable<Event>): Generator<Outgoing, void, undefined> {
  const encoder = new EventEncoder(shippedStream('transactions'))
  let n = 0
  for (const event of events)
    yield { topic, key: event.buyer, timeMs: event.timeMs, value: recordOf(encoder, event, n++) }
}

const STEP_MS = 10_000

function* traffic(plan: FillPlan & { kind: 'traffic' }): Generator<Outgoing, void, undefined> {
  const { count, perSecond, seed } = plan.backlog
  const source = new Traffic({ seed, startMs: START_MS, ordersPerSecond: perSecond / EVENTS_PER_ORDER })
  const encoders = {
    transactions: new EventEncoder(shippedStream('transactions')),
    behavior: new EventEncoder(shippedStream('behavior')),
  }
  let [sent, untilMs] = [0, START_MS]
  while (sent < count) {
    untilMs += STEP_MS
    for (const { label: _label, stream, ...row } of source.events(untilMs)) {
      const key = 'user_id' in row ? row.user_id : row.buyer_id
      sent++
      yield { topic: plan[stream], key, timeMs: row.event_time, value: encoders[stream].encodeEvent({ ...row }) }
    }
  }
  yield* orders(plan.transactions, ending(untilMs))
  for (let n = 0; n < 900; n++) {
    const row = {
      event_id: `last${n}`,
      type: 'item.viewed',
      event_time: untilMs + 30_000 + 200 * n,
      user_id: `last${n}`,
    }
    const value = encoders.behavior.encodeEvent({ ...row, item_id: 'ilast', category_id: 'clast', channel: 'app' })
    yield { topic: plan.behavior, key: row.user_id, timeMs: row.event_time, value }
  }
}
