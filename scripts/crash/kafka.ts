import { randomUUID } from 'node:crypto'
import { type CrashResult, crash } from '../../engine/commands/service-kafka/crash.ts'
import { startKafka } from '../kafka/cluster.ts'

/** The same on Kafka: on a broker of its own, unless `brokers` (host:port,…) names others. */
export async function crashOnKafka(times: number, seed: number, brokers: string | undefined): Promise<CrashResult> {
  const cluster = brokers === undefined ? await startKafka() : null
  try {
    const name = `crash-${randomUUID().slice(0, 8)}`
    const say = (line: string) => process.stderr.write(`${line}\n`)
    return await crash({ brokers: cluster?.brokers ?? brokers!.split(','), name, times, seed, say })
  } finally {
    await cluster?.stop()
  }
}
