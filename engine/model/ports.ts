import type { Output, StateChange } from './output.ts'

/** Where a task puts what it made. Called in the order in which things happened. */
export interface Sink {
  output(output: Output): void
  change(change: StateChange): void
}
