import { Counters } from '../model/counters.ts'
import { Task } from '../task/task.ts'
import type { Case } from './generate.ts'

/** A fast task that has read nothing yet, with the rules of the case in force. */
export function freshTask({ stream, set, finite, measures }: Case, counters = new Counters()): Task {
  const task = new Task({ streams: [stream], counters, finite, measures })
  task.install(set)
  return task
}
