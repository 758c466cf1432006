import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultConfig } from '../engine/config.ts'
import { readBatches } from '../engine/edge/files/read.ts'
import { LocalLog } from '../engine/edge/local/local-log.ts'
import { packagePath } from '../engine/kit/package-path.ts'
import type { RuleSource } from '../engine/model/block.ts'
import { Counters } from '../engine/model/counters.ts'
import { compileRuleSet } from '../engine/rules/index.ts'
import { step } from '../engine/task/step.ts'
import { Task } from '../engine/task/task.ts'
import { TrafficSource } from '../engine/traffic/source.ts'
import { Traffic } from '../engine/traffic/traffic.ts'
import { eventsPerSecond, type Figure, size } from './harness.ts'

const START_MS = 1_767_225_600_000

/** The shipped rules over labelled traffic: from a file to alerts, and through the local log with its commits. */
export async function endToEndBenchmark(): Promise<Figure[]> {
  const seed = 7
  const minutes = size(1, 20)
  const { streams } = defaultConfig()
  const rules = shippedRules()
  const traffic = { seed, startMs: START_MS, ordersPerSecond: 20 }
  const endMs = START_MS + minutes * 60_000
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-bench-'))
  const file = join(folder, 'events.jsonl')
  const lines = new Traffic(traffic)
    .events(endMs)
    .map(({ label: _label, stream: _stream, ...fields }) => JSON.stringify(fields))
  writeFileSync(file, `${lines.join('\n')}\n`)
  const common = {
    benchmark: 'end to end',
    seed,
    runs: 3,
    parameters: { events: lines.length, minutes, rules: rules.length },
  }
  const figures = [
    await eventsPerSecond({ ...common, case: 'JSON lines to alerts' }, async () => {
      const { task, sink, outputs } = freshTask(rules)
      let position = 0
      for await (const entry of readBatches(file, { streams })) task.process({ position: position++, entry }, sink)
      task.finish('drained', sink)
      return { events: lines.length, checksum: outputs() }
    }),
    await eventsPerSecond({ ...common, case: 'local log: append, read, commit' }, async () => {
      const data = mkdtempSync(join(folder, 'data-'))
      const log = new LocalLog(data, streams)
      const source = new TrafficSource(new Traffic(traffic), streams)
      const { task } = freshTask([])
      await log.writer.append([{ kind: 'rules', files: rules }])
      let checksum = 0
      let position = -1
      for (let untilMs = START_MS; untilMs < endMs; ) {
        untilMs += 10_000
        await log.writer.append(source.batches(untilMs))
        while (position < log.lastPosition) {
          const batch = await log.next(position, new AbortController().signal)
          if (!batch) break
          const commit = step(task, batch.records)
          await log.commit(commit)
          position = commit.position
          checksum += commit.outputs.length
        }
      }
      log.close()
      rmSync(data, { recursive: true })
      return { events: lines.length, checksum }
    }),
  ]
  rmSync(folder, { recursive: true })
  return figures
}

function freshTask(files: readonly RuleSource[]) {
  const { streams } = defaultConfig()
  const task = new Task({ streams, counters: new Counters(), finite: true })
  const compiled = compileRuleSet(files, { streams })
  if (!compiled.ok) throw new Error('the shipped rules have faults')
  if (files.length > 0) task.install(compiled.set)
  let count = 0
  return { task, sink: { output: () => count++, change: () => {} }, outputs: () => count }
}

function shippedRules(): RuleSource[] {
  const folders = ['rules', 'rules/lists']
  return folders.flatMap((folder) =>
    readdirSync(packagePath(folder))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(packagePath(`${folder}/${name}`), 'utf8') })),
  )
}
