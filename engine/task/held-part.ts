import type { Core } from './core.ts'
import type { StatePart } from './state-part.ts'

/**
 * The held events and their order in time, as a part of the state: packed, in snapshots. A replay reads them from the log
 * again, a change of rules from the core before (`readHeld`).
 */
export function heldPart({ rows, index, clocks }: Core): StatePart {
  return {
    name: 'held events',
    save: () => {
      const events = rows.saveHeld(Math.min(...clocks.map(({ nowMs }) => nowMs)))
      const order = index.save()
      const release = (): void => {
        events.release()
        order.release()
      }
      return { held: { chunks: events.chunks, index: order.index, hot: [...events.hot, ...order.hot], release } }
    },
    load: ({ held }) => {
      const [ofEvents, ...ofOrder] = held.hot
      rows.loadHeld(held.chunks, [ofEvents])
      index.load(held.index, held.firstIndex, ofOrder)
    },
  }
}
