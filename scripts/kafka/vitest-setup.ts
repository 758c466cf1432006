import type { TestProject } from 'vitest/node'
import { startKafka } from './cluster.ts'
import { javaMissing } from './libs.ts'
import type { TestBroker } from './test-broker.ts'

/**
 * Global set-up of the vitest project `kafka`; vitest calls it once, and only when a file of that project runs.
 * The order of choice: the brokers in LAPWING_TEST_BROKERS (`host:port,host:port`), else one started here with Java and
 * Maven, else none: the tests are skipped with one line, or with CI=true the run fails.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { broker, stop } = await choose()
  if ('skip' in broker) {
    const line = `Kafka tests are skipped: ${broker.skip}, and LAPWING_TEST_BROKERS is not set`
    if (process.env.CI === 'true') throw new Error(line)
    console.warn(line)
  }
  project.provide('kafkaBroker', broker)
  return stop
}

async function choose(): Promise<{ broker: TestBroker; stop(): Promise<void> }> {
  const nothing = async () => {}
  const given = process.env.LAPWING_TEST_BROKERS
  if (given) return { broker: { brokers: given.split(',').map((broker) => broker.trim()) }, stop: nothing }
  const missing = await javaMissing()
  if (missing !== null) return { broker: { skip: missing }, stop: nothing }
  const { brokers, stop } = await startKafka()
  return { broker: { brokers }, stop }
}
