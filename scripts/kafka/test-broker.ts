import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'

/** Where the Kafka tests of this run find their broker, or why there is none. */
export type TestBroker = { brokers: string[] } | { skip: string }

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBroker: TestBroker
  }
}

/**
 * The one broker that all Kafka tests of a run share (`vitest-setup.ts` chose it), for files named `*.kafka.test.ts`:
 *
 *     const kafka = await testBroker()
 *     describe.skipIf('skip' in kafka)('…', () => { … })
 *
 * Tests that stop or kill brokers start their own with `startKafka`, and look here only for `skip`.
 */
export async function testBroker(): Promise<TestBroker> {
  const broker = inject('kafkaBroker') as TestBroker | undefined
  if (broker === undefined) throw new Error('a test that needs Kafka must be in a file named *.kafka.test.ts')
  return broker
}

/** A name for a topic, group or transactional id that no other test of the shared broker has. */
export function uniqueName(what: string): string {
  return `${what}-${randomUUID()}`
}

/**
 * Options of a producer whose records stand in the topic once, as far as a test counts them: kafkajs sends a request again
 * as a whole when one of its partitions was refused.
 */
export const ONCE = { idempotent: true, maxInFlightRequests: 1 } as const
