import type { Observable } from 'rxjs'
import type { Counters } from '../../model/counters.ts'
import type { Gauge } from '../../model/telemetry.ts'
import type { Processed } from '../../pipeline.ts'

export interface Ready {
  readonly ok: boolean
  readonly detail: string
  readonly [more: string]: unknown
}

/** Rules that may be read again from their files. */
export interface Reloadable {
  reload(): void
  /** Reloads when the files change. Returns what ends it. */
  watch(): () => void
}

/** An engine that runs until it is stopped, whatever its log. */
export interface Service {
  readonly counters: Counters
  readonly rules: Reloadable
  /** What was committed, commit by commit. */
  readonly committed$: Observable<Processed>
  start(): void
  /** Finishes the commit in flight. Within 2 s. */
  stop(): Promise<void>
  /** Rejects when the service ends unasked. */
  readonly done: Promise<void>
  ready(): Ready
  gauges(): Gauge[]
}
