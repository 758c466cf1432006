import type { Counters } from '../model/counters.ts'
import type { Limits } from '../model/limits.ts'
import type { Stream } from '../model/stream.ts'
import type { HeldSegments } from './core.ts'

export interface TaskOptions {
  readonly streams: readonly Stream[]
  readonly counters: Counters
  /** The input is the whole history: coverage is 1 from its start. */
  readonly finite: boolean
  /** False: there are no commits and no snapshots, what they would keep is not written down. Default: true. */
  readonly commits?: boolean
  /** `read`: of an event no field is held that the rule set does not read, so no other set may come. Default: all. */
  readonly heldFields?: 'all' | 'read'
  /** Emit a row of measures for each event that a rule takes. */
  readonly measures?: boolean
  /** Where events that change no more are kept besides memory, for one filling of the state. */
  readonly held?: () => HeldSegments
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: Limits
}
