import type { Prng } from '../kit/prng.ts'
import type { Label } from './event.ts'

/** How an order ends; `undone`: paid, delivered and soon refunded, for refund abuse. */
export type Fate = 'delivered' | 'refunded' | 'cancelled' | 'undone'

/** An order under way, as plain data: it is part of the generator's saved state. */
export interface Order {
  readonly id: string
  readonly buyer: number
  readonly shop: number
  readonly item: number
  readonly quantity: number
  readonly unitCents: number
  readonly device: string
  readonly ip: string
  readonly channel: string
  readonly status: string | null
  readonly label: Label | null
  readonly fate: Fate
}

export type Step = 'inventory.deducted' | 'payment.captured' | 'item.delivered' | 'order.cancelled' | 'order.refunded'

const MINUTE_MS = 60_000
const CANCELLED = 0.06
const REFUNDED = 0.02

export function normalFate(prng: Prng): Fate {
  const chance = prng.next()
  if (chance < CANCELLED) return 'cancelled'
  return chance < CANCELLED + REFUNDED ? 'refunded' : 'delivered'
}

/** The step after `done` (null: the order was just created) and how long it takes, in whole ms, at least one. */
export function nextStep(order: Order, done: Step | null, prng: Prng): { step: Step; afterMs: number } | null {
  const step = following(order.fate, done)
  return step && { step, afterMs: Math.max(1, Math.round(waitMs(order.fate, step, prng))) }
}

function following(fate: Fate, done: Step | null): Step | null {
  if (done === null) return 'inventory.deducted'
  if (done === 'inventory.deducted') return fate === 'cancelled' ? 'order.cancelled' : 'payment.captured'
  if (done === 'payment.captured') return 'item.delivered'
  return done === 'item.delivered' && fate !== 'delivered' ? 'order.refunded' : null
}

/** Payment and delivery stay below the 15 minutes that the life-cycle rule allows. */
function waitMs(fate: Fate, step: Step, prng: Prng): number {
  switch (step) {
    case 'inventory.deducted':
      return prng.between(50, 1_500)
    case 'payment.captured':
      return Math.min(2_000 + prng.logNormal(25_000, 0.9), 12 * MINUTE_MS)
    case 'item.delivered':
      return Math.min(1_000 + prng.logNormal(60_000, 0.8), 12 * MINUTE_MS)
    case 'order.cancelled':
      return prng.between(MINUTE_MS, 13 * MINUTE_MS)
    case 'order.refunded':
      return fate === 'undone'
        ? prng.between(0.5 * MINUTE_MS, 4 * MINUTE_MS)
        : prng.between(10 * MINUTE_MS, 120 * MINUTE_MS)
  }
}
