import type { LogRecord } from '../model/block.ts'
import type { Output } from '../model/output.ts'
import type { Commit, TaskLog } from '../model/ports.ts'
import { META_KEY, type Task } from './task.ts'

/** Lets the task read some records, at least one, and gathers what is to be committed for them. */
export function step(task: Task, records: readonly LogRecord[]): Commit {
  const outputs: Output[] = []
  const changes = new Map<string, string | null>()
  const sink = {
    output: (output: Output) => outputs.push(output),
    change: ({ key, value }: { key: string; value: string | null }) => changes.set(key, value),
  }
  for (const record of records) task.process(record, sink)
  task.flush(sink)
  return { position: records[records.length - 1].position, outputs, changes }
}

/**
 * Builds a fresh task's state again from its log: the events of the longest window and what the commits kept. Returns
 * the committed position: the next record to read stands behind it. `rules`: the rule set in force there was installed
 * in the task before, since the log may no longer hold it.
 */
export async function rebuild(task: Task, log: TaskLog): Promise<number> {
  const { position, kept } = await log.committed()
  if (position < 0) return position
  const meta = kept.get(META_KEY)
  const streamMs: number | null = meta === undefined ? null : JSON.parse(meta).streamMs
  task.beginReplay(kept)
  for await (const records of log.past((streamMs ?? Number.POSITIVE_INFINITY) - task.rebuildSpanMs, position)) {
    for (const record of records) task.replay(record)
  }
  task.endReplay(kept)
  return position
}
