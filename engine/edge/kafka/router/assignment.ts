import type { Admin } from 'kafkajs'
import type { Counters } from '../../../model/counters.ts'
import type { Logger } from '../log.ts'
import { committedOffsets } from '../offsets.ts'
import type { Lane } from './lane.ts'

export interface LaneId {
  readonly topic: string
  readonly partition: number
}

interface Deps<Id, L> {
  readonly admin: Admin
  readonly groupId: string
  readonly counters: Counters
  readonly log: Logger
  make(id: Id, position: number): L
}

/**
 * A lane for each partition, standing where the group's committed offset says, or where the log begins; or further on, where
 * `before`, our lanes before the join, had everything acknowledged: that is written, whether it was committed or not.
 */
export async function assignedLanes<Id extends LaneId, L extends Lane>(
  ids: readonly Id[],
  before: readonly Lane[],
  deps: Deps<Id, L>,
): Promise<L[]> {
  const { admin, groupId } = deps
  const lanes: L[] = []
  for (const topic of new Set(ids.map((id) => id.topic))) {
    const bounds = await admin.fetchTopicOffsets(topic)
    const committed = await committedOffsets(admin, groupId, topic)
    for (const id of ids.filter((one) => one.topic === topic)) {
      const { low, high } = bounds.find(({ partition }) => partition === id.partition)!
      const known = before.find((lane) => lane.topic === topic && lane.partition === id.partition)
      const written = Math.min(known?.acknowledged ?? 0, Number(high))
      const start = position(id, committed.get(id.partition), Number(low), deps)
      const lane = deps.make(id, Math.max(start, written))
      lane.committed = start
      lane.end = Number(high)
      lanes.push(lane)
    }
  }
  return lanes
}

/** Records that the broker has deleted before they were read are lost, and said to be. */
function position(
  { topic, partition }: LaneId,
  committed: number | undefined,
  low: number,
  { counters, log }: Pick<Deps<LaneId, Lane>, 'counters' | 'log'>,
): number {
  if (committed === undefined || committed >= low) return committed ?? low
  counters.counter('source_gap_records_total', { topic }).value += low - committed
  log.error(
    { topic, partition, lost: low - committed },
    'source records were deleted by the broker before they were read',
  )
  return low
}
