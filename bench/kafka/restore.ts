import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { partitionOfValue } from '../../engine/plan/partition.ts'
import type { Figure } from '../harness.ts'
import { RULES } from './backlog.ts'
import type { BenchBroker } from './broker.ts'
import { finished } from './child.ts'
import { type Assignment, lapwing, type Running } from './engines.ts'
import { short } from './figures.ts'
import { FILLED_PARTITION, type FillPlan } from './fill-plan.ts'
import { percentiles } from './latency.ts'
import { LiveLoop, type Probed } from './live.ts'
import { metricsOf } from './metrics.ts'
import type { KafkaOptions } from './options.ts'

/** Tasks of the exchange: the engine leaves an exchange that is there as it is. */
const TASKS = 8
const RATE = 1_000
const PROBES_PER_SECOND = 50
const [WARM_S, QUIET_S] = [10, 30]
/** Snapshots are written every 5 s. */
const SNAPSHOT_MS = 15_000
/** Between the moment at which the other tasks are ready and the one from which their latency counts. */
const CATCH_UP_MS = 2_000

/**
 * What the others feel while one task of eight, with the orders of an hour, is built from its log: the engine is stopped
 * and started again without that task's snapshots. Latency of the others from when they have caught up to when it is
 * ready, beside theirs before the stop.
 */
export async function restoreMeasure(broker: BenchBroker, options: KafkaOptions): Promise<Figure[]> {
  const loop = await LiveLoop.open(broker, `restore-${process.pid}`)
  const data = mkdtempSync(join(tmpdir(), 'lapwing-restore-'))
  const engine = lapwing('lapwing', '.')
  const assignment: Assignment = {
    ...{ id: loop.id, brokers: broker.brokers, sources: { [loop.topic]: 'transactions' }, expect: null, data },
    ...{
      rules: join(RULES, 'brushing.yaml'),
      idleGrace: '2s',
      profile: null,
      sections: { snapshots: { every: '5s' } },
    },
  }
  let running: Running | null = null
  try {
    await broker.createExchange(loop.id, 'by-shop_id', TASKS)
    const plan: FillPlan = {
      kind: 'state',
      topic: loop.topic,
      count: options.stateEvents,
      untilMs: Date.now(),
      of: TASKS,
    }
    await finished('fill.ts', { brokers: broker.brokers, plan })
    running = await engine.start(assignment)
    await holds(running, options)
    const traffic = {
      rate: RATE,
      seconds: WARM_S + QUIET_S + options.seconds,
      probesPerSecond: PROBES_PER_SECOND,
      seed: 1,
    }
    const startMs = await loop.begin(traffic)
    await sleep(Math.max(0, startMs + (WARM_S + QUIET_S) * 1_000 - Date.now()))
    const stoppedMs = Date.now()
    await running.close()
    forget(data)
    running = await engine.start(assignment)
    const ready = await restored(running, options)
    const probed = await loop.end(options.limitS)
    return figures(options, probed, { stoppedMs, ...ready })
  } finally {
    await running?.close()
    await loop.close()
    rmSync(data, { recursive: true, force: true })
  }
}

/** The state has gone through the router and its task, and the snapshots since are whole. */
async function holds(running: Running, { stateEvents, limitS }: KafkaOptions): Promise<void> {
  const deadline = performance.now() + limitS * 1_000
  for (;;) {
    const metrics = await metricsOf(running)
    const values = (wanted: string): number[] => metrics.filter(({ name }) => name === wanted).map(({ value }) => value)
    const routed = sum(values('lapwing_router_events_total'))
    const lag = sum(values('lapwing_task_lag_records'))
    if (routed >= stateEvents && lag === 0) break
    const state = `${routed} of ${stateEvents} events are routed, the tasks lag ${lag} records behind`
    if (performance.now() > deadline) throw new Error(`after ${limitS} s ${state}`)
    await sleep(200)
  }
  await sleep(SNAPSHOT_MS)
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/** Removes the snapshots of the task with the state. */
function forget(data: string): void {
  const folder = join(data, 'data', 'tasks')
  const names = readdirSync(folder).filter((name) => name.endsWith(`by-shop_id-${FILLED_PARTITION}`))
  if (names.length !== 1) throw new Error(`${folder} holds ${readdirSync(folder)}`)
  rmSync(join(folder, names[0]), { recursive: true })
}

interface Ready {
  /** Epoch ms at which the last other task was ready, and at which the one with the state was. */
  readonly othersMs: number
  readonly stateMs: number
  readonly restoredRecords: number
}

async function restored(running: Running, { limitS }: KafkaOptions): Promise<Ready> {
  const readyMs = new Map<number, number>()
  const deadline = performance.now() + limitS * 1_000
  for (;;) {
    const metrics = await metricsOf(running)
    for (const { name, labels } of metrics) {
      const partition = Number(labels.partition?.match(/\d+$/)?.[0]) // behind the name of the topic
      if (name === 'lapwing_restore_seconds' && !readyMs.has(partition)) readyMs.set(partition, Date.now())
    }
    if (readyMs.size >= TASKS) {
      const others = [...readyMs].filter(([partition]) => partition !== FILLED_PARTITION)
      const records = metrics.filter(({ name }) => name === 'lapwing_restore_records').map(({ value }) => value)
      return {
        othersMs: Math.max(...others.map(([, ms]) => ms)),
        stateMs: readyMs.get(FILLED_PARTITION)!,
        restoredRecords: Math.max(...records),
      }
    }
    if (performance.now() > deadline) throw new Error(`${readyMs.size} of ${TASKS} tasks are ready after ${limitS} s`)
    await sleep(100)
  }
}

function figures({ stateEvents }: KafkaOptions, probed: Probed, ready: Ready & { stoppedMs: number }): Figure[] {
  const { startMs, probes, doubled } = probed
  const others = probes.filter(({ shop }) => partitionOfValue(shop, TASKS) !== FILLED_PARTITION)
  const between = (name: string, fromMs: number, toMs: number): Figure => {
    const { parameters, ...spread } = percentiles(others.filter(({ atMs }) => atMs >= fromMs && atMs < toMs))
    const state = { tasks: TASKS, 'state events': stateEvents, 'restored records': ready.restoredRecords }
    const seconds = { 'window s': short((toMs - fromMs) / 1_000) }
    return {
      ...{ benchmark: 'kafka restore', case: name, unit: 'ms', runs: 1, seed: 1, ...spread },
      parameters: { ...parameters, doubled, ...state, ...seconds },
    }
  }
  const { stoppedMs, othersMs, stateMs } = ready
  return [
    between('others, quiet', startMs + WARM_S * 1_000, stoppedMs - CATCH_UP_MS),
    between('others, stop to ready', stoppedMs, othersMs + CATCH_UP_MS),
    between('others, while one restores', othersMs + CATCH_UP_MS, Math.max(stateMs, othersMs + CATCH_UP_MS)),
  ]
}
