import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { isCoordinatorBusy } from './errors.ts'

const TRIES = 100
const PAUSE_MS = 50

export interface CommittedOffset {
  readonly offset: number
  /** What was committed with it; empty = nothing. */
  readonly note: string
}

/** Committed offsets of a group by partition, those that there are. */
export async function committedOffsets(admin: Admin, groupId: string, topic: string): Promise<Map<number, number>> {
  const found = await committedWithNotes(admin, groupId, topic)
  return new Map([...found].map(([partition, { offset }]) => [partition, offset]))
}

/** The same with their notes. A coordinator that is still loading is asked again, for 5 s: kafkajs does not. */
export async function committedWithNotes(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<Map<number, CommittedOffset>> {
  for (let tries = 1; ; tries++) {
    try {
      const found = await admin.fetchOffsets({ groupId, topics: [topic] })
      const partitions = found.flatMap((one) => one.partitions)
      return new Map(
        partitions
          .map((p) => [p.partition, { offset: Number(p.offset), note: p.metadata ?? '' }] as const)
          .filter(([, { offset }]) => offset >= 0),
      )
    } catch (error) {
      if (tries === TRIES || !isCoordinatorBusy(error)) throw error
      await sleep(PAUSE_MS)
    }
  }
}
