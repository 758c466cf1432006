import { describe, expect, test } from 'vitest'
import { testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { crash } from './crash.ts'

const broker = await testBroker()

describe.skipIf('skip' in broker)('a service that is killed', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []

  test('three times while orders flow: no alert is lost, none comes twice', async () => {
    const lines: string[] = []
    const say = (line: string) => void lines.push(line)
    const result = await crash({ brokers, name: uniqueName('crash'), times: 3, seed: Date.now() % 1_000, say })
    expect(result.faults, lines.join('\n')).toEqual([])
    expect(result.alerts).toBeGreaterThan(10)
  }, 180_000)
})
