import type { Core } from './core.ts'
import { type RankingBoard, rankingKey } from './ranking-board.ts'
import type { StatePart } from './state-part.ts'

/**
 * Past rankings that are still looked back at, as a part of the state: in the changelog under `ranking/<id>@<version>/…`,
 * and in snapshots as the changelog has them. They are found again by ranking id and version.
 */
export function ranksPart({ boards, context }: Core): StatePart<readonly (readonly [string, string])[]> {
  const restore = (entries: Iterable<readonly [string, string]>): void => {
    const prefixes = boards.map((board): [RankingBoard, string] => [board, `${rankingKey(board.plan)}/`])
    for (const [key, value] of entries)
      for (const [board, prefix] of prefixes) if (key.startsWith(prefix)) board.restore(key.slice(prefix.length), value)
  }
  /** Rankings go on from stream time; in a snapshot they know where they stand. */
  const restoreAndArm = (entries: Iterable<readonly [string, string]>): void => {
    restore(entries)
    for (const board of boards) board.arm(context.streamMs - board.plan.ranking.settleMs, false)
  }
  return {
    name: 'ranks',
    load: ({ kept }) => restore(kept),
    endReplay: ({ entries }) => restoreAndArm(entries),
    handOver: () =>
      boards.flatMap((board) =>
        board.saved().map(([group, value]): [string, string] => [`${rankingKey(board.plan)}/${group}`, value]),
      ),
    migrate: restoreAndArm,
  }
}
