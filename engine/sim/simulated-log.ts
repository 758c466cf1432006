import type { LogRecord } from '../model/block.ts'
import type { Output } from '../model/output.ts'
import type { Commit, Committed, TaskLog } from '../model/ports.ts'
import { META_KEY } from '../task/meta.ts'

/** The process is gone: nothing that it held in memory is left. */
export class Crash extends Error {}

/** Where a commit is hit: nothing of it is kept, it is half written, or it stands and nobody heard of it. */
export type CommitFault = 'before' | 'in' | 'after'

/** A task's log in memory. Commits are atomic: one that was half written when the process died is undone. */
export class SimulatedLog implements TaskLog {
  readonly records: readonly LogRecord[]
  readonly #outputs: Output[] = []
  #outputsCommitted = 0
  readonly #kept = new Map<string, string>()
  #position = -1
  /** Stream time at each commit, ascending. */
  readonly #times: { readonly position: number; readonly streamMs: number }[] = []
  /** Hits the next commit. */
  fault: CommitFault | null = null

  constructor(records: readonly LogRecord[]) {
    this.records = records
  }

  /** All that was ever committed. */
  get outputs(): readonly Output[] {
    return this.#outputs.slice(0, this.#outputsCommitted)
  }

  async committed(): Promise<Committed> {
    this.#outputs.length = this.#outputsCommitted
    return { position: this.#position, kept: new Map(this.#kept) }
  }

  async *past(fromStreamMs: number, through: number): AsyncGenerator<readonly LogRecord[]> {
    const before = this.#times.findLast(({ streamMs }) => streamMs < fromStreamMs)?.position ?? -1
    for (const record of this.records) if (record.position > before && record.position <= through) yield [record]
  }

  async commit(commit: Commit): Promise<void> {
    const { fault } = this
    this.fault = null
    if (fault === 'before') throw new Crash()
    for (const [i, output] of commit.outputs.entries()) {
      if (fault === 'in' && i >= commit.outputs.length / 2) throw new Crash()
      this.#outputs.push(output)
    }
    if (fault === 'in') throw new Crash()
    this.#outputsCommitted = this.#outputs.length
    for (const [key, value] of commit.changes) {
      if (value === null) this.#kept.delete(key)
      else this.#kept.set(key, value)
    }
    this.#position = commit.position
    const { streamMs } = JSON.parse(this.#kept.get(META_KEY)!)
    if (streamMs !== null) this.#times.push({ position: commit.position, streamMs })
    if (fault === 'after') throw new Crash()
  }

  /** Records behind a position, at most `count`. */
  next(position: number, count: number): LogRecord[] {
    const at = this.records.findIndex((record) => record.position > position)
    return at < 0 ? [] : this.records.slice(at, at + count)
  }
}
