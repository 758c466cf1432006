import { Subject } from 'rxjs'
import { eventsIn } from '../model/batch.ts'
import { EngineError } from '../model/errors.ts'
import type { Announcement, Output } from '../model/output.ts'
import type { Commit, CommitDone, ReadRecords } from '../model/ports.ts'

export interface CommitsOptions {
  readonly write: (commit: Commit) => Promise<void>
  /** Outputs that may wait for the commit under way; above, `accept` waits. -1: it waits for each commit. */
  readonly outputsMax: number
  /** A position without outputs is committed so long after the commit before, ms. */
  readonly quietMs: number
  /** Epoch ms. */
  readonly clock: () => number
}

/** What a commit is made of, and what it was read from. */
interface Draft {
  position: number
  outputs: Output[]
  changes: Map<string, string | null>
  announcements: Announcement[]
  events: number
  appendedMs: number
}

interface Waiter {
  readonly position: number
  resolve(): void
  reject(error: unknown): void
}

/**
 * The commits of one task: one in flight, what is made meanwhile is the next one. The order in which it was made is kept.
 *
 * After a commit that failed nothing more is written until `resume` says what became of it.
 */
export class Commits {
  /** Each commit, when it is done. Errors with the failure of one. */
  committed$ = new Subject<CommitDone>()
  readonly #options: CommitsOptions
  #draft: Draft
  /** The commit under way, or the one that failed until its fate is known. */
  #flight: { readonly draft: Draft; readonly done: Promise<void> } | null = null
  #failure: { readonly error: unknown } | null = null
  #committed: number
  #committedAtMs = Number.NEGATIVE_INFINITY
  #waiters: Waiter[] = []
  /** No commit begins. */
  #held = false
  #abandoned = false

  /** `position`: what is committed already. */
  constructor(options: CommitsOptions, position: number) {
    this.#options = options
    this.#committed = position
    this.#draft = emptyDraft(position)
  }

  /** Of the last record that was processed, committed or not. */
  get position(): number {
    return this.#draft.position
  }

  get committed(): number {
    return this.#committed
  }

  /** Takes what a step made of a batch; resolves when there is room for more. Rejects with the failure of a commit. */
  async accept(made: Commit, { records, appendedMs }: ReadRecords): Promise<void> {
    const draft = this.#draft
    draft.position = made.position
    for (const output of made.outputs) draft.outputs.push(output)
    for (const announcement of made.announcements ?? []) draft.announcements.push(announcement)
    for (const [key, value] of made.changes) draft.changes.set(key, value)
    for (const { entry } of records) draft.events += eventsIn(entry)
    draft.appendedMs = Math.min(draft.appendedMs, appendedMs)
    this.#commitIfDue(false)
    const waits = () => this.#draft.outputs.length + this.#draft.announcements.length > this.#options.outputsMax
    while (waits() && this.#flight && !this.#failure) await this.#flight.done
    if (this.#failure) throw this.#failure.error
  }

  /** Resolves when a position is committed. EngineError FENCED where that will not come. */
  until(position: number): Promise<void> {
    if (position <= this.#committed) return Promise.resolve()
    if (this.#abandoned) return Promise.reject(givenUp())
    return new Promise((resolve, reject) => this.#waiters.push({ position, resolve, reject }))
  }

  /** No other commit begins before `resume`; resolves when the one under way is done, or has failed. */
  async paused(): Promise<void> {
    this.#held = true
    await this.#flight?.done
  }

  /** Commits what is left, then resolves. Rejects with the failure of a commit. */
  async drained(): Promise<void> {
    while (!this.#failure) {
      this.#commitIfDue(true)
      if (!this.#flight) return
      await this.#flight.done
    }
    throw this.#failure.error
  }

  /**
   * Goes on after a failure, or a pause, where the log's committed position is known again: what failed is done, or is
   * committed once more. False: neither, somebody else was here, and what was made is of no use.
   */
  resume(position: number): boolean {
    const failed = this.#flight?.draft
    const tookPlace = failed !== undefined && position === failed.position
    this.committed$ = new Subject()
    if (tookPlace) {
      this.#flight = null
      this.#committed = position
    } else if (position !== this.#committed) return false
    else if (failed) {
      this.#draft = joined(failed, this.#draft)
      this.#flight = null
    }
    this.#failure = null
    this.#held = this.#abandoned
    // whoever follows has subscribed by then
    setImmediate(() => {
      if (tookPlace) this.#done(failed)
      this.#commitIfDue(false)
    })
    return true
  }

  /** What waits is given up, with all who wait: no other commit begins. */
  abandon(): void {
    this.#held = this.#abandoned = true
    for (const { reject } of this.#waiters) reject(givenUp())
    this.#waiters = []
  }

  /** Outputs at once, a mere position now and then. */
  #commitIfDue(now: boolean): void {
    const draft = this.#draft
    if (this.#flight || this.#held || draft.position === this.#committed) return
    const isQuiet = draft.outputs.length === 0 && draft.announcements.length === 0
    const sinceMs = Math.abs(this.#options.clock() - this.#committedAtMs) // the clock may be set back
    if (isQuiet && !now && sinceMs < this.#options.quietMs) return
    this.#draft = emptyDraft(draft.position)
    this.#flight = { draft, done: this.#commit(draft) }
  }

  async #commit(draft: Draft): Promise<void> {
    try {
      await this.#options.write(draft)
    } catch (error) {
      this.#failure = { error }
      this.committed$.error(error)
      return
    }
    this.#flight = null
    this.#committed = draft.position
    this.#done(draft)
    this.#commitIfDue(false)
  }

  #done(draft: Draft): void {
    const nowMs = this.#options.clock()
    this.#committedAtMs = nowMs
    for (const waiter of this.#waiters) if (waiter.position <= draft.position) waiter.resolve()
    this.#waiters = this.#waiters.filter(({ position }) => position > draft.position)
    const { events, appendedMs } = draft
    this.committed$.next({ commit: draft, events, latencyMs: Math.max(0, nowMs - appendedMs), atMs: nowMs })
  }
}

function givenUp(): EngineError {
  return new EngineError('FENCED', 'the task was given up')
}

function emptyDraft(position: number): Draft {
  return {
    position,
    outputs: [],
    changes: new Map(),
    announcements: [],
    events: 0,
    appendedMs: Number.POSITIVE_INFINITY,
  }
}

function joined(first: Draft, then: Draft): Draft {
  return {
    position: then.position,
    outputs: [...first.outputs, ...then.outputs],
    changes: new Map([...first.changes, ...then.changes]),
    announcements: [...first.announcements, ...then.announcements],
    events: first.events + then.events,
    appendedMs: Math.min(first.appendedMs, then.appendedMs),
  }
}
