import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, truncateSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import { kafkaService } from '../service-kafka.ts'
import { readyChild, startChild } from './child.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, differences, Inspector, plainKafka } from './harness.ts'

const broker = await testBroker()

/** Manifests in the folder of one task, oldest first. */
function manifestsIn(folder: string): string[] {
  const snapshots = join(folder, 'snapshots')
  if (!existsSync(snapshots)) return []
  const names = readdirSync(snapshots).filter((name) => name.endsWith('.manifest'))
  return names.toSorted().map((name) => join(snapshots, name))
}

describe.skipIf('skip' in broker)('a service with snapshots that is killed', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('reads only what stands behind them, names a torn one, and makes what the log gives', async () => {
    const name = uniqueName('snapshots')
    const config = configFor(brokers, name)
    const [stream] = config.streams
    await createTopics([...brokers], { [stream.topic]: 2 })
    const producer = plainKafka(brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    const inspector = new Inspector(config, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())
    let sent = 0
    const send = async (count: number) => {
      for (const end = sent + count; sent < end; sent += 50) {
        const deals = Array.from({ length: 50 }, (_, i) => deal(sent + i, Date.now(), 2))
        await sendDeals(producer, stream, deals)
        await sleep(20)
      }
    }

    const lines: string[] = []
    const child: ChildProcess = startChild(brokers, name, (line) => lines.push(line))
    ends.push(() => child.kill('SIGKILL'))
    await readyChild(child)
    await send(3_000)
    await inspector.drained(30_000)
    const tasks = join(config.data, 'tasks')
    const folders = () => readdirSync(tasks).map((task) => join(tasks, task))
    await expect.poll(() => folders().every((folder) => manifestsIn(folder).length > 1), { timeout: 20_000 }).toBe(true)
    await send(200)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const positions = await Promise.all(inspector.exchanges.map(({ id }) => inspector.positions(id)))
    const committed = positions.flatMap((of) => [...of.values()]).reduce((sum, next) => sum + next, 0)
    const torn = manifestsIn(folders()[0]).at(-1)!
    truncateSync(torn, 100)

    const counters = new Counters()
    const warnings: string[] = []
    const note = (fields: object, message: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`)
    const log = { debug() {}, info() {}, warn: note, error: note }
    const service = kafkaService(config, { ruleFiles: RULES, counters, log, sessionTimeoutMs: 2_000 })
    ends.push(() => service.stop())
    service.start()
    const restores = () => service.gauges().filter((gauge) => gauge.name === 'restore_records')
    const folderCount = folders().length
    await expect.poll(() => service.ready().ok, { timeout: 20_000, interval: 5 }).toBe(true)
    expect(restores()).toHaveLength(folderCount) // each had something to read: 200 deals behind the snapshots
    await send(500)
    await inspector.drained(30_000)
    const restored = restores()
    expect(counters.total('task_rebuilds_total'), warnings.join('\n')).toBe(0)
    const read = restored.reduce((sum, { value }) => sum + value, 0)
    expect(read).toBeLessThan(committed / 3)
    const refused = warnings.filter((line) => line.startsWith('snapshot refused'))
    expect(refused).not.toEqual([]) // more than one where the group was dealt out twice
    expect(refused.filter((line) => !line.includes(basename(torn)))).toEqual([])
    expect(counters.total('snapshots_refused_total')).toBe(refused.length)
    await service.stop()

    const { outputs } = await inspector.reference()
    const found = await inspector.outputs()
    expect(found.filter(({ kind }) => kind === 'alert').length).toBeGreaterThan(20)
    expect(differences(found, outputs), lines.join('\n')).toEqual([])
  }, 180_000)
})
