import type { Cell } from '../../model/output.ts'
import type { Event } from './event.ts'

/** Oldest first; equal times in order of arrival. */
export function byTime(a: { readonly event: Event }, b: { readonly event: Event }): number {
  return a.event.timeMs - b.event.timeMs || a.event.arrival - b.event.arrival
}

/** Strings by UTF-16 code units, numbers by value. */
export function compareCells(a: Cell, b: Cell): number {
  return a === b ? 0 : a! < b! ? -1 : 1
}

/** Groups in the order of their first members. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
