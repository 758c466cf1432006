import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Figure, size } from './harness.ts'
import { filledTask, Orders } from './keys.ts'

/**
 * What a live key costs: heap and array buffers of a task with one event of each key, less those of a task with as many
 * events of a single key.
 */
export async function memoryBenchmark(): Promise<Figure[]> {
  const keys = size(20_000, 1_000_000)
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      gc()
      await sleep(100) // array buffers are freed beside
    }
  }
  const bytesHeldBy = async (keyOf: (event: number) => number): Promise<number> => {
    await settle()
    const before = used()
    const task = filledTask(keys, new Orders(), keyOf)
    await settle()
    const bytes = used() - before
    if (task.gauges.heldEvents !== keys) throw new Error(`${task.gauges.heldEvents} events are held of ${keys}`)
    return bytes
  }
  await bytesHeldBy(() => 0) // code and caches
  const one = await bytesHeldBy(() => 0)
  const many = await bytesHeldBy((event) => event)
  const measured = (name: string, bytes: number): Figure => {
    const value = Math.round(bytes / keys)
    const parameters = { keys, windows: 3, measures: 4, 'key length': 16 }
    const spread = { min: value, median: value, max: value, runs: 1 }
    return { benchmark: 'memory', case: name, unit: 'bytes', ...spread, checksum: keys, seed: 42, parameters }
  }
  return [measured('a key', many - one), measured('an event', one)]
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
