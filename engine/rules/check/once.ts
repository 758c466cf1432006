import type { Expression, Operator } from '../../model/expression.ts'
import { streamOfType } from '../../model/stream.ts'
import type { Draft } from './definition.ts'

/** What keeps apart what it is made of. */
const KEEPING: ReadonlySet<Operator> = new Set(['concat', 'unordered', 'lower'])

/**
 * True when the key names a thing that lives once, such as an order: a member of `by` is a stream's id, or determines
 * other fields and is not itself determined by one (`order_id` determines `buyer_id`).
 */
export function livesOnce({ types, lets, around }: Draft, by: Iterable<string>): boolean {
  const streams = types.flatMap((type) => streamOfType(around.streams, type) ?? [])
  const isOnce = (name: string): boolean =>
    streams.some(
      ({ idField, determines }) =>
        name === idField || (Object.hasOwn(determines, name) && !Object.values(determines).flat().includes(name)),
    )
  const keeps = (e: Expression): boolean => {
    if (e.op === 'field') return isOnce(e.name)
    if (e.op === 'let') return lets.some((l) => l.name === e.name && keeps(l.expression))
    return e.op === 'call' && KEEPING.has(e.fn) && e.args.some(keeps)
  }
  return [...by].some((name) => isOnce(name) || lets.some((l) => l.name === name && keeps(l.expression)))
}
