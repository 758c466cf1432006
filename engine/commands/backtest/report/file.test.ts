import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packagePath } from '../../../kit/package-path.ts'
import { addBacktest } from '../../backtest.ts'
import { runVerb } from '../../testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-report-'))
afterAll(() => rmSync(root, { recursive: true }))
const missing = join(root, 'none.jsonl')
const backtest = (report: string) =>
  runVerb(addBacktest, 'backtest', packagePath('rules'), '--input', missing, '--report', report)

test('a report that cannot be written is said before anything is read', async () => {
  const path = join(root, 'no', 'report.html')
  const { code, err } = await backtest(path)
  expect([code, err]).toEqual([2, `lapwing: --report ${path} cannot be written: no such file or folder\n`])
})

test('where it can, nothing is there until it is written', async () => {
  expect((await backtest(join(root, 'report.html'))).err).toContain(missing)
  expect(readdirSync(root)).toEqual([])
})
