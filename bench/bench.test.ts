import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { benchmarks } from './main.ts'

test('every benchmark runs, small, and gives the same answer each time', () => {
  const names = Object.keys(benchmarks)
  const env = { ...process.env, SMOKE: '1' }
  const out = execFileSync('npx', ['tsx', 'bench/main.ts', ...names], { encoding: 'utf8', env })
  const figures = out.split('\n').filter((line) => line.includes('checksum='))
  expect(figures.length).toBeGreaterThanOrEqual(4)
  for (const line of figures) expect(line).toMatch(/median .* (events\/s|bytes|ms|s|MB|×) .* checksum=\d+/)
}, 60_000)
