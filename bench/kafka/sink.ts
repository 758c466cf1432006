/** Program: a read-committed consumer that notes when it holds the alert of each probe. Says `ready`; at SIGTERM it writes. */
import { writeFileSync } from 'node:fs'
import { nowMs, plainKafka, settings, tell } from './client.ts'
import { openingOf } from './outputs.ts'
import { isProbe } from './probes.ts'

export interface Held {
  /** By shop, epoch ms with fractions. */
  readonly heldMs: Record<string, number>
  /** Alerts of probes that had one. */
  readonly doubled: number
}

const { brokers, topic, file } = settings<{ brokers: string[]; topic: string; file: string }>()
const consumer = plainKafka(brokers, 'sink').consumer({ groupId: `${topic}-sink`, maxWaitTimeInMs: 100, minBytes: 1 })
const heldMs: Record<string, number> = {}
let doubled = 0
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachBatch: async ({ batch }) => {
    const now = nowMs()
    for (const { value } of batch.messages) {
      const opening = openingOf(value!)
      if (!opening || !isProbe(opening.shop)) continue
      if (opening.shop in heldMs) doubled++
      else heldMs[opening.shop] = now
    }
  },
})
tell('ready')
process.once('SIGTERM', async () => {
  writeFileSync(file, JSON.stringify({ heldMs, doubled }))
  await consumer.disconnect()
  process.exit(0)
})
