import { expect, test } from 'vitest'
import { compileOrRefuse } from '../commands/compiled.ts'
import { readRuleFiles } from '../commands/rule-files.ts'
import { defaultConfig } from '../config.ts'
import { packagePath } from '../kit/package-path.ts'
import type { Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import { setCell } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import { type Stream, streamOfType } from '../model/stream.ts'
import { type RuleTest, ruleSetForTest } from '../rules/index.ts'
import { Task } from '../task/task.ts'
import { apart, firstDifference } from './compare.ts'
import { ReferenceEngine } from './reference.ts'

const { streams } = defaultConfig()
const sound = compileOrRefuse(readRuleFiles(['rules', 'library'].map(packagePath), { tests: true }), streams)

function blocksOf({ events }: RuleTest): Block[] {
  return events().flatMap((step, offset) => {
    if (!('type' in step)) return []
    const stream = streamOfType(streams, step.type) as Stream
    const builder = new BlockBuilder(stream, stream.topic, 0)
    builder.begin(offset, step.atMs, step.type)
    stream.fields.forEach((field, i) => {
      setCell(builder, i, step.fields[field.name])
    })
    return [builder.build()]
  })
}

test.each(sound.tests.map((t) => [`${t.rule}: ${t.name}`, t] as const))('%s', (_, ruleTest) => {
  const set = ruleSetForTest(sound.set, ruleTest)
  const blocks = blocksOf(ruleTest)
  const reference = new ReferenceEngine({ streams, set, finite: true, measures: true })
  const expected: Output[] = blocks.flatMap((block) => reference.process(block))
  expected.push(...reference.finish('drained'))
  const actual: Output[] = []
  const sink = { output: (output: Output) => actual.push(output), change: () => {} }
  const task = new Task({ streams, counters: new Counters(), finite: true, measures: true })
  task.install(set)
  blocks.forEach((entry, position) => {
    task.process({ position, entry }, sink)
  })
  task.finish('drained', sink)
  expect(firstDifference(apart(expected), apart(actual))).toBeNull()
})
