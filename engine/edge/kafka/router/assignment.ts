import type { Admin } from 'kafkajs'
import type { Counters } from '../../../model/counters.ts'
import type { Logger } from '../log.ts'
import { committedOffsets } from '../offsets.ts'
import type { Decoder } from '../ports.ts'
import { type SourceId, SourceLane } from './source-lane.ts'

interface Deps {
  readonly admin: Admin
  readonly groupId: string
  readonly decoders: ReadonlyMap<string, Decoder>
  readonly counters: Counters
  readonly log: Logger
}

/**
 * A lane for each partition, standing where the group's committed offset says, or where the log begins; or further on, where
 * `before`, our lanes before the join, had everything acknowledged: that is written, whether it was committed or not.
 */
export async function assignedLanes(
  ids: readonly SourceId[],
  before: readonly SourceLane[],
  deps: Deps,
): Promise<SourceLane[]> {
  const { admin, groupId, decoders } = deps
  const lanes: SourceLane[] = []
  for (const topic of new Set(ids.map((id) => id.topic))) {
    const bounds = await admin.fetchTopicOffsets(topic)
    const committed = await committedOffsets(admin, groupId, topic)
    for (const id of ids.filter((one) => one.topic === topic)) {
      const { low, high } = bounds.find(({ partition }) => partition === id.partition)!
      const known = before.find((lane) => lane.topic === topic && lane.partition === id.partition)
      const written = Math.min(known?.acknowledged ?? 0, Number(high))
      const start = position(id, committed.get(id.partition), Number(low), deps)
      const lane = new SourceLane(id, decoders.get(topic)!, Math.max(start, written))
      lane.committed = start
      lane.end = Number(high)
      lanes.push(lane)
    }
  }
  return lanes
}

/** Records that the broker has deleted before they were read are lost, and said to be. */
function position(id: SourceId, committed: number | undefined, low: number, { counters, log }: Deps): number {
  if (committed === undefined || committed >= low) return committed ?? low
  const { topic, partition } = id
  counters.counter('source_gap_records_total', { topic }).value += low - committed
  log.error(
    { topic, partition, lost: low - committed },
    'source records were deleted by the broker before they were read',
  )
  return low
}
