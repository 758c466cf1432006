import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { testBroker } from '../scripts/kafka/test-broker.ts'

const broker = await testBroker()

describe.skipIf('skip' in broker)('the benchmark on Kafka', () => {
  it('runs, small, and finds the answers of the reference', () => {
    const brokers = 'brokers' in broker ? broker.brokers.join(',') : ''
    const parameters = ['tsx', 'bench/main.ts', 'kafka', 'job', 'columns', '--brokers', brokers]
    const out = execFileSync('npx', parameters, { encoding: 'utf8', env: { ...process.env, SMOKE: '1' } })
    expect(out.match(/^kafka (job (bare|loop|lapwing)|columns (bare|columns)): .* checksum=\d+$/gm)).toHaveLength(5)
    expect(out).toMatch(/^job round 1 lapwing: .* against changes 32: 0 missing, 0 extra/m)
  }, 120_000)
})
