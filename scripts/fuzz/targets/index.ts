import type { Target } from '../target.ts'

/** Each loads what it needs, and no more. */
export const TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
  batches: async () => (await import('./batches.ts')).batches,
  avro: async () => (await import('./avro.ts')).avro,
  json: async () => (await import('./json.ts')).json,
  debezium: async () => (await import('./captured.ts')).captured('debezium'),
  canal: async () => (await import('./captured.ts')).captured('canal'),
  maxwell: async () => (await import('./captured.ts')).captured('maxwell'),
  jsonl: async () => (await import('./files.ts')).jsonl,
  csv: async () => (await import('./files.ts')).csv,
  entries: async () => (await import('./entries.ts')).entries,
  cache: async () => (await import('./cache.ts')).cache,
  snapshots: async () => (await import('./snapshots.ts')).snapshots,
  segments: async () => (await import('./segments.ts')).segments,
  control: async () => (await import('./control.ts')).control,
  lists: async () => (await import('./lists.ts')).lists,
  outputs: async () => (await import('./outputs.ts')).outputs,
  registry: async () => (await import('./registry.ts')).registry,
}
