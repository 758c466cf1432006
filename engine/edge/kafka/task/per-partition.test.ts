import { setTimeout as sleep } from 'node:timers/promises'
import { Subject } from 'rxjs'
import { expect, test } from 'vitest'
import { perPartition, type Work } from './per-partition.ts'

test('order within a partition, no waiting between them, a failure stays with its batch', async () => {
  const work = new Subject<Work<string>>()
  const seen: string[] = []
  const process = async (batch: string) => {
    seen.push(`${batch} begins`)
    await sleep(batch === 'a1' ? 20 : 1)
    if (batch === 'a2') throw new Error('a2 is bad')
    seen.push(`${batch} ends`)
  }
  const running = perPartition(work, process).subscribe()
  const outcomes: string[] = []
  const put = (batch: string) =>
    new Promise<void>((resolve, reject) => work.next({ partition: batch[0], batch, resolve, reject })).then(
      () => outcomes.push(`${batch} done`),
      (error: Error) => outcomes.push(error.message),
    )
  await Promise.all(['a1', 'a2', 'b1', 'a3'].map(put))
  running.unsubscribe()
  expect(seen).toEqual(['a1 begins', 'b1 begins', 'b1 ends', 'a1 ends', 'a2 begins', 'a3 begins', 'a3 ends'])
  expect(outcomes).toEqual(['b1 done', 'a1 done', 'a2 is bad', 'a3 done'])
})
