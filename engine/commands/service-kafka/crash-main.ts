/** `npm run crash -- --kafka --times 20 [--seed 7] [--brokers host:port,…]`: see crash.ts. Exit code 1 on a fault. */
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startKafka } from '../../../scripts/kafka/cluster.ts'
import { crash } from './crash.ts'

const { values } = parseArgs({
  options: {
    kafka: { type: 'boolean', default: true },
    times: { type: 'string', default: '20' },
    seed: { type: 'string', default: '7' },
    brokers: { type: 'string' },
    quiet: { type: 'boolean', default: false },
  },
})
const cluster = values.brokers === undefined ? await startKafka() : null
const brokers = cluster?.brokers ?? values.brokers!.split(',')
const say = values.quiet ? () => {} : (line: string) => console.error(line)
try {
  const name = `crash-${randomUUID().slice(0, 8)}`
  const result = await crash({ brokers, name, times: Number(values.times), seed: Number(values.seed), say })
  for (const fault of result.faults) console.error(fault)
  console.log(JSON.stringify({ ...result, faults: result.faults.length, seed: Number(values.seed) }))
  process.exitCode = result.faults.length === 0 ? 0 : 1
} finally {
  await cluster?.stop()
}
