import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { HELP } from './help.ts'

const engine = resolve(import.meta.dirname, '../..')
/** A counter, a gauge by way of a helper, or a gauge written out. */
const NAMES = /(?:\b|#)(?:counter|gauge|count)\(\s*'([a-z_]+)'|\bname: '([a-z_]+)',\s*labels\b/g

function namesInCode(): Set<string> {
  const files = readdirSync(engine, { recursive: true, encoding: 'utf8' })
  const code = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('sim/'))
  const names = code.flatMap((file) => [...readFileSync(join(engine, file), 'utf8').matchAll(NAMES)])
  return new Set([...names.map(([, called, written]) => (called ?? written)!), 'alert_latency_seconds'])
}

test('each metric has a text, and each text a metric', () => {
  expect(Object.keys(HELP).sort()).toEqual([...namesInCode()].sort())
})
