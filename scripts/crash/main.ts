import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashTest } from './crash.ts'

/**
 * npm run crash -- --times 20 [--seed N] [--minutes 60] [--rate 5], or with --kafka [--brokers host:port,…]: prints the
 * result as JSON; exit code 1 when something was lost, repeated or other than without crashes.
 */
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '5' },
    kafka: { type: 'boolean', default: false },
    brokers: { type: 'string' },
  },
})
const [times, seed] = [Number(values.times), Number(values.seed)]

async function crashLocal(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-crash-'))
  const log = (line: string) => process.stderr.write(`${line}\n`)
  const traffic = { minutes: Number(values.minutes), ordersPerSecond: Number(values.rate) }
  const result = await crashTest({ folder, times, seed, ...traffic, lifeMs: 2_500, log })
  process.stdout.write(`${JSON.stringify({ log: 'local', ...result })}\n`)
  if (result.ok) rmSync(folder, { recursive: true })
  else log(`the logs are in ${folder}`)
  return result.ok
}

async function crashKafka(): Promise<boolean> {
  const { crashOnKafka } = await import('./kafka.ts')
  const result = await crashOnKafka(times, seed, values.brokers)
  const ok = result.faults.length === 0
  process.stdout.write(`${JSON.stringify({ log: 'kafka', ok, seed, kills: times, ...result })}\n`)
  return ok
}

process.exitCode = (await (values.kafka ? crashKafka() : crashLocal())) ? 0 : 1
