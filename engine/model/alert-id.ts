import { createHash } from 'node:crypto'
import type { Cell, SourcePosition } from './output.ts'

/** What fixes an alert at its opening; none of it changes afterwards. */
export interface AlertIdentity {
  readonly rule: string
  readonly version: number
  readonly violation: string | null
  readonly key: Readonly<Record<string, Cell>>
  /** The rule's clock at the opening. */
  readonly openedMs: number
  /** The event that opened it, by entering or leaving. */
  readonly source: SourcePosition
}

/** First 32 hex digits of SHA-256 over a JSON array in a fixed order, the key's members by name. */
export function alertId({ rule, version, violation, key, openedMs, source }: AlertIdentity): string {
  const members = Object.keys(key)
    .sort()
    .map((name) => [name, key[name]])
  const identity = [rule, version, violation, members, openedMs, source.topic, source.partition, source.offset]
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32)
}
