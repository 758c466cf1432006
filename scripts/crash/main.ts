import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashTest } from './crash.ts'

/** npm run crash -- --times 20 [--seed N]: prints the result as JSON; exit code 1 when something was lost or repeated. */
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '5' },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'lapwing-crash-'))
const result = await crashTest({
  folder,
  times: Number(values.times),
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  ordersPerSecond: Number(values.rate),
  lifeMs: 2_500,
  log: (line) => process.stderr.write(`${line}\n`),
})
process.stdout.write(`${JSON.stringify(result)}\n`)
if (result.ok) rmSync(folder, { recursive: true })
else process.stderr.write(`the logs are in ${folder}\n`)
process.exitCode = result.ok ? 0 : 1
