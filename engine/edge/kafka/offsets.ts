import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { isCoordinatorBusy } from './errors.ts'

const TRIES = 100
const PAUSE_MS = 50

/**
 * Committed offsets of a group by partition, those that there are. A coordinator that is still loading is asked again,
 * for 5 s: kafkajs does not.
 */
export async function committedOffsets(admin: Admin, groupId: string, topic: string): Promise<Map<number, number>> {
  for (let tries = 1; ; tries++) {
    try {
      const found = await admin.fetchOffsets({ groupId, topics: [topic] })
      const partitions = found.flatMap((one) => one.partitions)
      return new Map(
        partitions.map((p) => [p.partition, Number(p.offset)] as const).filter(([, offset]) => offset >= 0),
      )
    } catch (error) {
      if (tries === TRIES || !isCoordinatorBusy(error)) throw error
      await sleep(PAUSE_MS)
    }
  }
}
