/** `npm run kafka`: a Kafka broker on this machine, with the topics of the data contract, until Ctrl-C. */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { startKafka } from './cluster.ts'
import { isFree } from './ports.ts'
import { createTopics, TOPICS } from './topics.ts'

const USUAL_PORT = 9092

const { values } = parseArgs({
  options: { port: { type: 'string' }, brokers: { type: 'string', default: '1' }, dir: { type: 'string' } },
})
await main().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})

async function main(): Promise<void> {
  if (values.brokers !== '1' && values.brokers !== '3') throw new Error('--brokers is 1 or 3')
  const port = await choosePort(values.port)
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  console.log('Starting Kafka (the first time, Maven fetches 54 MB) ...')
  const cluster = await startKafka({
    brokers: values.brokers === '3' ? 3 : 1,
    quiet: false,
    ...(port === undefined ? {} : { port }),
    ...(values.dir === undefined ? {} : { dir: values.dir }),
  })
  try {
    await createTopics(cluster.brokers, TOPICS)
    explain(cluster.brokers)
    await interrupted
  } finally {
    await cluster.stop()
  }
}

/** The port asked for, which must be free; else 9092 if it is free; else none: any free one. */
async function choosePort(text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return (await isFree(USUAL_PORT)) ? USUAL_PORT : undefined
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('--port is a number from 1 to 65535')
  if (!(await isFree(port))) throw new Error(`port ${port} of 127.0.0.1 is taken`)
  return port
}

function explain(brokers: readonly string[]): void {
  console.log(`\nKafka is ready at ${brokers.join(', ')}\n\nTopics (partitions):`)
  for (const [topic, partitions] of Object.entries(TOPICS)) console.log(`  ${topic} (${partitions})`)
  const kept =
    values.dir === undefined ? 'deletes all data (--dir <folder> keeps it)' : `keeps the data in ${values.dir}`
  console.log(`\nIn Lapwing's configuration:\n  log: { kind: kafka, brokers: ['${brokers.join("', '")}'] }\n`)
  console.log(`Ctrl-C stops it and ${kept}.`)
}
