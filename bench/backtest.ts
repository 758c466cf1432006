import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { FiniteInput } from '../engine/commands/finite/input.ts'
import { playFinite } from '../engine/commands/finite/play.ts'
import { readRuleFiles } from '../engine/commands/rule-files.ts'
import { defaultConfig } from '../engine/config.ts'
import { packagePath } from '../engine/kit/package-path.ts'
import { eachRange } from '../engine/model/batch.ts'
import type { RuleSet } from '../engine/model/rule.ts'
import { compileRuleSet } from '../engine/rules/index.ts'
import type { TrafficEvent } from '../engine/traffic/event.ts'
import { Traffic } from '../engine/traffic/traffic.ts'
import { eventsPerSecond, type Figure, size } from './harness.ts'

/** Of the rules that ship, by what a run leaves in; the first is what a whole backtest is. */
const RULE_SETS: readonly { readonly name: string; readonly keeps: (id: string) => boolean }[] = [
  { name: 'whole backtest', keeps: () => true },
  { name: 'the rules without the ranking', keeps: (id) => id !== 'hot_items' },
  { name: 'the ranking alone', keeps: (id) => id === 'hot_items' },
  { name: 'one rule', keeps: (id) => id === 'shop_order_concentration' },
]

/**
 * A file of mixed traffic, streams taking turns line by line, through the rules that ship: the way to the task's door
 * alone (to blocks), and all of it. From JSON lines, plain and gzip, and from the columns of an earlier reading; from
 * those with parts of the rules, too.
 */
export async function backtestBenchmark(): Promise<Figure[]> {
  const seed = 7
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-bench-'))
  try {
    const { streams } = defaultConfig()
    const lines = trafficLines(seed, size(8_000, 300_000))
    const plain = join(folder, 'events.jsonl')
    const zipped = join(folder, 'events.jsonl.gz')
    writeFileSync(plain, lines.join('\n'))
    writeFileSync(zipped, gzipSync(lines.join('\n')))
    const compiled = compileRuleSet(readRuleFiles([packagePath('rules')]), { streams })
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
    const sets = RULE_SETS.map(({ name, keeps }) => ({ name, set: partOf(compiled.set, keeps) }))
    const cacheFolder = join(folder, 'cache')
    const inputs = [
      { name: 'JSON lines', options: { input: plain }, sets: sets.slice(0, 1) },
      { name: 'gzip JSON lines', options: { input: zipped }, sets: sets.slice(0, 1) },
      { name: 'columns', options: { input: plain, cacheFolder }, sets },
    ]
    const common = { benchmark: 'backtest', seed, runs: 5 }
    const figures: Figure[] = []
    for (const { name, options, sets } of inputs) {
      const parameters = parametersOf(compiled.set, lines.length)
      const toBlocks = await eventsPerSecond({ ...common, case: `${name} to blocks`, parameters }, async () => {
        let [events, checksum] = [0, 0]
        for await (const batch of new FiniteInput({ ...options, guarded: true }, streams).batches()) {
          eachRange(batch, (block, from, to) => {
            events += to - from
            checksum = (checksum * 31 + block.timesMs[from] + block.offsets[from]) % 1_000_000_007
          })
        }
        return { events, checksum }
      })
      figures.push(toBlocks)
      for (const { name: part, set } of sets) {
        const parameters = parametersOf(set, lines.length)
        const whole = await eventsPerSecond({ ...common, case: `${name}, ${part}`, parameters }, async () => {
          const input = new FiniteInput({ ...options, guarded: true }, streams)
          let checksum = 0
          const play = { input, streams, set, until: 'drained' as const, measures: false }
          const { rows } = await playFinite(play, async (outputs) => {
            checksum += outputs.length
            return true
          })
          return { events: rows, checksum }
        })
        figures.push(whole)
      }
    }
    return figures
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function partOf(set: RuleSet, keeps: (id: string) => boolean): RuleSet {
  return {
    ...set,
    rules: set.rules.filter(({ id }) => keeps(id)),
    rankings: set.rankings.filter(({ id }) => keeps(id)),
  }
}

function parametersOf({ rules, rankings }: RuleSet, events: number) {
  return { events, rules: rules.length, rankings: rankings.length }
}

function trafficLines(seed: number, count: number): string[] {
  const startMs = Date.UTC(2026, 0, 1)
  const traffic = new Traffic({ seed, startMs, ordersPerSecond: 5, scenario: 'mixed' })
  const events: TrafficEvent[] = []
  for (let untilMs = startMs; events.length < count; ) {
    untilMs += 10_000
    events.push(...traffic.events(untilMs))
  }
  return events.slice(0, count).map(({ label: _label, stream: _stream, ...fields }) => JSON.stringify(fields))
}
