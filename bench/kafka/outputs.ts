import { OutputDecoder } from '../../engine/edge/registry/output-decoder.ts'
import type { AlertRecord, RankingRecord } from '../../engine/model/output.ts'
import type { Opening } from './episodes.ts'
import type { RankedItems } from './hot-items.ts'

const [alerts, rankings] = [new OutputDecoder('alert'), new OutputDecoder('ranking')]
/** Confluent's format begins so; JSON never does. */
const isAvro = (value: Buffer): boolean => value[0] === 0

/** The alert that a record opens, in the engine's Avro or in a program's JSON; null: the record is another one of its life. */
export function openingOf(value: Buffer): Opening | null {
  if (!isAvro(value)) return JSON.parse(String(value)) as Opening
  const { status, key, first_seen } = alerts.decode(value) as AlertRecord
  return status === 'open' ? { shop: String(key.shop_id), timeMs: first_seen } : null
}

export function rankingOf(value: Buffer): { asOfMs: number; items: RankedItems } {
  if (!isAvro(value)) return JSON.parse(String(value))
  const { as_of, items } = rankings.decode(value) as RankingRecord
  return { asOfMs: as_of, items: items.map(({ id, score }) => [String(id), score]) }
}
