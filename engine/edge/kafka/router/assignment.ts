import type { Admin } from 'kafkajs'
import type { Counters } from '../../../model/counters.ts'
import type { Logger } from '../../../model/telemetry.ts'
import { type CommittedOffset, committedWithNotes } from '../offsets.ts'
import type { Lane } from './lane.ts'

export interface LaneId {
  readonly topic: string
  /** Absent or empty: not known. */
  readonly topicId?: string
  readonly partition: number
}

/** Source records from offset `from` to before `to`. */
export interface Gap {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

export function sayGap(gap: Gap, counters: Counters, log: Logger): void {
  const { topic, from, to } = gap
  counters.counter('source_gap_records_total', { topic }).value += to - from
  log.error({ ...gap, lost: to - from }, 'source records were deleted by the broker before they were read')
}

interface Deps {
  readonly admin: Admin
  readonly groupId: string
  /** Our lanes before the join. */
  readonly before: readonly Lane[]
  readonly counters: Counters
  readonly log: Logger
}

/** Where a lane begins, what the group has committed, and where the log ends; all: the next offset. */
interface Start {
  readonly from: number
  readonly committed: number
  readonly end: number
}

/**
 * By `topic/partition`: a lane begins where the group's committed offset says, or where the log begins; or further on, where
 * `before` had everything acknowledged: that is written, whether it was committed or not.
 */
export async function assignedLanes(ids: readonly LaneId[], deps: Deps): Promise<ReadonlyMap<string, Start>> {
  const { admin, groupId, before } = deps
  const starts = new Map<string, Start>()
  for (const topic of new Set(ids.map((id) => id.topic))) {
    const bounds = await admin.fetchTopicOffsets(topic)
    const offsets = await committedWithNotes(admin, groupId, topic)
    for (const id of ids.filter((one) => one.topic === topic)) {
      const { low, high } = bounds.find(({ partition }) => partition === id.partition)!
      const isSame = (lane: Lane) => lane.topic === topic && lane.topicId === (id.topicId ?? '')
      const known = before.find((lane) => isSame(lane) && lane.partition === id.partition)
      const written = Math.min(known?.acknowledged ?? 0, Number(high))
      const committed = position(id, offsets.get(id.partition), Number(low), deps)
      starts.set(`${topic}/${id.partition}`, { from: Math.max(committed, written), committed, end: Number(high) })
    }
  }
  return starts
}

/**
 * Records that the broker has deleted before they were read are lost, and said to be. What was committed for another topic
 * that had the name is of no use.
 */
function position(
  { topic, topicId = '', partition }: LaneId,
  there: CommittedOffset | undefined,
  low: number,
  { counters, log }: Pick<Deps, 'counters' | 'log'>,
): number {
  if (there === undefined) return low
  const isOther = topicId !== '' && there.note !== '' && there.note !== topicId
  const committed = isOther ? 0 : there.offset
  if (committed < low) sayGap({ topic, partition, from: committed, to: low }, counters, log)
  return Math.max(committed, low)
}
