import type { LogRecord } from '../model/block.ts'
import { FEATURE_PREFIX } from './feature-mirror.ts'
import { LIST_PREFIX, savedChanges } from './lists.ts'

/** What commits kept of lists and of other tasks' features, told for a stretch of the log in the past. */

/**
 * All changes of lists that commits still know, as records at the positions of those that made them, in that order: what
 * alerts put there is no record of a local log, and what was changed before the stretch is none of the stretch. One that
 * is read twice changes nothing.
 */
export function listChanges(kept: ReadonlyMap<string, string>): LogRecord[] {
  const records: LogRecord[] = []
  for (const [key, value] of kept) {
    const slash = key.indexOf('/', LIST_PREFIX.length)
    if (!key.startsWith(LIST_PREFIX) || slash < 0) continue
    const list = key.slice(LIST_PREFIX.length, slash)
    const item: string | number = JSON.parse(key.slice(slash + 1))
    for (const { position, atMs: readMs, untilMs } of savedChanges(value)) {
      const atMs = Number.isFinite(readMs) ? readMs : 0
      const isOn = untilMs !== Number.NEGATIVE_INFINITY
      const items = isOn ? { add: [item], remove: [] } : { add: [], remove: [item] }
      const ttlMs = isOn && Number.isFinite(untilMs) ? untilMs - atMs : null
      records.push({ position, entry: { kind: 'list', list, ...items, ttlMs, atMs } })
    }
  }
  return records.sort((a, b) => a.position - b.position)
}

/**
 * What features said at the end of an epoch (of `epochMs`), in the form in which commits keep it, as of always. Of a key
 * that changed in three later epochs or more it is not known any more: it is left out, as if nothing had been said.
 */
export function featuresAt(kept: ReadonlyMap<string, string>, epoch: number): Map<string, string> {
  const then = new Map<string, string>()
  for (const [key, text] of kept) {
    if (!key.startsWith(FEATURE_PREFIX) || key.indexOf('/', FEATURE_PREFIX.length) < 0) continue
    const dated: [epoch: number, now: unknown, before: unknown, beforeThat: unknown] = JSON.parse(text)
    const value = dated[Math.max(1, dated[0] - epoch + 1)]
    if (value !== undefined && value !== null) then.set(key, JSON.stringify([0, value, value, value]))
  }
  return then
}

/** Both in one order: a change comes right behind the record that made it. */
export async function* withChanges(
  batches: AsyncIterable<readonly LogRecord[]>,
  changes: readonly LogRecord[],
): AsyncGenerator<LogRecord, void, undefined> {
  let next = 0
  for await (const records of batches)
    for (const record of records) {
      while (next < changes.length && changes[next]!.position < record.position) yield changes[next++]!
      yield record
    }
}
