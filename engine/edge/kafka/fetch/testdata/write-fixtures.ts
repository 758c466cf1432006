/**
 * npx tsx engine/edge/kafka/fetch/testdata/write-fixtures.ts: starts a broker, lets Kafka's own Java client write
 * (WriteFixtures.java), and keeps what a raw fetch of each topic brings in <topic>.bin; transactions.json has the list of
 * aborted transactions that came along.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startKafka } from '../../../../../scripts/kafka/cluster.ts'
import { jarsOf } from '../../../../../scripts/kafka/libs.ts'
import { createTopics } from '../../../../../scripts/kafka/topics.ts'
import { packagePath } from '../../../../kit/package-path.ts'
import { createClient } from '../../client.ts'
import { Cluster } from '../cluster.ts'
import { fetchRaw } from '../fetch-request.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const here = import.meta.dirname
const topics = ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'transactions'].map((name) => `fixture-${name}`)

const kafka = await startKafka()
try {
  await createTopics(kafka.brokers, Object.fromEntries(topics.map((topic) => [topic, 1])))
  const libs = await jarsOf('kafka', packagePath('scripts/kafka/pom.xml'))
  execFileSync('java', ['-cp', join(libs, '*'), join(here, 'WriteFixtures.java'), kafka.brokers[0]], { stdio: 'inherit' })
  const client = createClient({ brokers: kafka.brokers, group: 'fixtures', ssl: false, sasl: null }, quiet)
  const cluster = new Cluster(client)
  for (const topic of topics) {
    await cluster.refresh(topic)
    const broker = await cluster.broker(cluster.leaderOf(topic, 0)!)
    const wanted = [{ topic, partition: 0, offset: 0, bytesMax: 1 << 20 }]
    const read = async () => (await fetchRaw(broker, wanted, { waitMsMax: 100, bytesMax: 1 << 20 })).parts
    let parts = await read()
    while (parts[0].lastStableOffset < parts[0].highWatermark) parts = await read() // a commit's mark comes a little later
    writeFileSync(join(here, `${topic}.bin`), parts[0].records)
    if (topic.endsWith('transactions'))
      writeFileSync(join(here, 'transactions.json'), `${JSON.stringify(parts[0].aborted)}\n`)
  }
  await cluster.close()
} finally {
  await kafka.stop()
}
