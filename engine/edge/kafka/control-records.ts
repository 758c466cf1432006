import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { isWellFormed } from '../../kit/encodings.ts'
import type { FeatureRecord, ListRecord } from '../../model/block.ts'
import { itemFault, itemOf } from '../../model/list-item.ts'
import type { Announcement } from '../../model/output.ts'
import type { ListItem } from '../../model/rule.ts'
import type { ControlTopic } from '../../plan/control-topics.ts'
import { featureTopic, listsTopic } from '../../plan/control-topics.ts'

/*
 * Records of control topics: compacted, so each key has one that counts.
 *
 *   lists     key `<list>/<item as JSON>`, value {"on", "ttl_ms", "until_ms", "at_ms"}
 *   a list    key the item as text; no value: it is off; else it is on, for "ttl_ms" if the value is JSON with that
 *   a feature key the key as JSON, value the measures in order as a JSON array; no value: the key is not known any more
 */
export interface ControlMessage {
  readonly key: string
  readonly value: string | null
}

interface ListValue {
  readonly on: boolean
  readonly ttl_ms: number | null
  readonly until_ms: number | null
  readonly at_ms: number
}

/** A text that UTF-8 can hold. */
const text = z.string().refine(isWellFormed)
const listItem = z.union([text, z.number()])
const listValue: z.ZodType<ListValue, unknown> = z.object({
  on: z.boolean(),
  ttl_ms: z.number().positive().nullable().default(null),
  until_ms: z.number().nullable().default(null),
  at_ms: z.number().default(0),
})
const featureKey = z.union([text, z.number(), z.boolean()])
const measure = featureKey.nullable()
const values = z.array(z.union([measure, z.array(featureKey)])).nullable()

/** What is asked for of a list's item. */
export type ListChange = Pick<ListRecord, 'item' | 'on' | 'ttlMs' | 'untilMs' | 'atMs'>

/** Into the topic of all lists, or into the list's own. */
export function listMessage(kind: 'lists' | 'list', list: string, change: ListChange): ControlMessage {
  const { item, on, ttlMs, untilMs, atMs } = change
  if (kind === 'list') return { key: String(item), value: on ? JSON.stringify({ ttl_ms: ttlMs, at_ms: atMs }) : null }
  const value: ListValue = { on, ttl_ms: ttlMs, until_ms: untilMs, at_ms: atMs }
  return { key: `${list}/${JSON.stringify(item)}`, value: JSON.stringify(value) }
}

/** Topic and record of what a task announces. */
export function announced(group: string, announcement: Announcement): { topic: string } & ControlMessage {
  if (announcement.kind === 'list') {
    const change = { ...announcement, on: true, ttlMs: null }
    return { topic: listsTopic(group), ...listMessage('lists', announcement.list, change) }
  }
  const { feature, version, key, values } = announcement
  const value = values === null ? null : JSON.stringify(values)
  return { topic: featureTopic(group, { id: feature, version }), key: JSON.stringify(key), value }
}

/** The list that a record of the topic of all lists is about. */
export function listOfKey(key: string): string {
  return key.slice(0, key.indexOf('/'))
}

/** Null where it is none of a control topic's: others may write there. */
export function readControl(
  control: ControlTopic,
  offset: number,
  key: Buffer | null,
  value: Buffer | null,
): ListRecord | FeatureRecord | null {
  if (key === null || !isUtf8(key)) return null
  try {
    if (control.kind === 'list') return ownListRecord(control.list, offset, String(key), value)
    const parsed = value === null ? null : JSON.parse(String(value))
    if (control.kind === 'feature') {
      const { id: feature, version } = control.feature
      return { offset, feature, version, key: featureKey.parse(JSON.parse(String(key))), values: values.parse(parsed) }
    }
    if (parsed === null) return null // nobody says anything of it any more
    const { on, ttl_ms: ttlMs, until_ms: untilMs, at_ms: atMs } = listValue.parse(parsed)
    const list = listOfKey(String(key))
    const item: ListItem = listItem.parse(JSON.parse(String(key).slice(list.length + 1)))
    return { offset, list, item, on, ttlMs, untilMs, atMs }
  } catch {
    return null
  }
}

function ownListRecord(
  { id: list, of }: { readonly id: string; readonly of: 'string' | 'number' },
  offset: number,
  key: string,
  value: Buffer | null,
): ListRecord | null {
  if (itemFault(key, of) !== null) return null
  const { ttl_ms: ttlMs = null, at_ms: atMs = 0 } = value === null ? {} : ownListValue(String(value))
  return { offset, list, item: itemOf(key, of), on: value !== null, ttlMs, untilMs: null, atMs }
}

/** Whatever somebody else writes as a value says that the item is on the list. */
function ownListValue(text: string): { readonly ttl_ms?: number | null; readonly at_ms?: number } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return {}
    const { ttl_ms, at_ms } = value as Record<string, unknown>
    return {
      ...(isNumber(ttl_ms) && ttl_ms > 0 ? { ttl_ms } : {}),
      ...(isNumber(at_ms) ? { at_ms } : {}),
    }
  } catch {
    return {}
  }
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}
