import type { LogRecord } from '../model/block.ts'
import { SnapshotRefused } from '../model/errors.ts'
import type { Announcement, Output } from '../model/output.ts'
import type { Commit, NumberedLog, PastLog, SnapshotStore, StoredSnapshot } from '../model/ports.ts'
import { META_KEY } from './meta.ts'
import type { Task } from './task.ts'

/**
 * Lets the task read some records, at least one, and gathers what they make: on a log that is followed it is committed;
 * of a file, of a rule's test and of a past that is looked at the outputs alone are used.
 */
export function step(task: Task, records: readonly LogRecord[]): Commit {
  const outputs: Output[] = []
  const changes = new Map<string, string | null>()
  const announcements: Announcement[] = []
  const sink = {
    output: (output: Output) => outputs.push(output),
    change: ({ key, value }: { key: string; value: string | null }) => changes.set(key, value),
    announce: (announcement: Announcement) => announcements.push(announcement),
  }
  for (const record of records) task.process(record, sink)
  task.flush(sink)
  return { position: records[records.length - 1].position, outputs, changes, announcements }
}

/** What the end of a finite input makes (`Task.finish`). */
export function finish(task: Task, until: 'drained' | 'last'): readonly Output[] {
  const outputs: Output[] = []
  task.finish(until, { output: (output) => outputs.push(output), change: () => {} })
  return outputs
}

/**
 * Builds a fresh task's state again from its log: the events of the longest window and what the commits kept. Returns
 * the committed position: the next record to read stands behind it. `rules`: the rule set in force there was installed
 * in the task before, since the log may no longer hold it.
 */
export async function rebuild(task: Task, log: PastLog): Promise<number> {
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

export interface TakenUp {
  readonly task: Task
  /** Committed: the next record to read stands behind it. */
  readonly position: number
  /** The snapshot that it began with; null = the state was built again from the log. */
  readonly snapshot: string | null
  /** Records read to get from there to `position`. */
  readonly records: number
}

/**
 * A task with the state of the log's last commit: from the newest good snapshot and what the log holds behind it, or
 * built again from the log alone. `fresh` makes a task that has read nothing; `refused` hears of each snapshot that is
 * there and not taken up.
 */
export async function takeUp(
  fresh: () => Task,
  log: NumberedLog,
  store: SnapshotStore,
  refused: (refusal: SnapshotRefused, name: string) => void,
): Promise<TakenUp> {
  const position = await log.position()
  for (const stored of await store.candidates(position, refused)) {
    const task = fresh()
    try {
      const records = await restore(task, log, stored, position)
      return { task, position, snapshot: stored.name, records }
    } catch (error) {
      if (!(error instanceof SnapshotRefused)) throw error
      refused(error, stored.name)
    }
  }
  const task = fresh()
  let records = 0
  const counted = {
    committed: () => log.committed(),
    async *past(fromStreamMs: number, through: number) {
      for await (const batch of log.past(fromStreamMs, through)) {
        records += batch.length
        yield batch
      }
    },
  }
  return { task, position: await rebuild(task, counted), snapshot: null, records }
}

/** Records read behind the snapshot. SnapshotRefused when it cannot be taken up, or the log lacks some of them. */
async function restore(task: Task, log: NumberedLog, stored: StoredSnapshot, position: number): Promise<number> {
  task.restore(stored.read())
  let last = stored.position
  for await (const records of log.between(last, position)) {
    for (const record of records) {
      if (record.position !== last + 1) break
      last = record.position
    }
    if (last !== records[records.length - 1].position) break
    task.readAgain(records)
  }
  if (last === position) return last - stored.position
  throw new SnapshotRefused('log_gap', `the log does not hold record ${last + 1} any more`)
}
