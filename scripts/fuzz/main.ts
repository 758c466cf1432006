import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { fuzz } from './fuzz.ts'
import { fuzzBytes } from './target.ts'
import { TARGETS } from './targets/index.ts'

interface Progress {
  readonly runs: number
  readonly failures: readonly string[]
  readonly slowestMs: number
  readonly slowest: number
  readonly checksum?: number
}

/**
 * npm run fuzz -- --target avro --runs 1000000 --seed 7 [--from 400000]: loads so many broken rule files (`rules`, which
 * is the default), or reads so many broken inputs of a decoder of foreign bytes (targets/index.ts); a line every 10 s on
 * standard error, the result as JSON on standard output; exit code 1 when one failed. A case is known by its seed, its
 * number and the seeds of the commit: a run that was stopped goes on with --from.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    target: { type: 'string', default: 'rules' },
  },
})
const [runs, seed, from] = [Number(values.runs), Number(values.seed), Number(values.from)]
const to = from + runs

const current = new Int32Array(new SharedArrayBuffer(4))
watchForHangs(current)

const began = performance.now()
let saidMs = began
let said = 0
const target = await TARGETS[values.target]?.()
if (!target && values.target !== 'rules') {
  process.stderr.write(`no target "${values.target}": rules, ${Object.keys(TARGETS).join(', ')}\n`)
  process.exit(2)
}
const before = (i: number, soFar: Progress): void => {
  current[0] = i
  if (performance.now() < saidMs + 10_000) return
  saidMs = performance.now()
  say(soFar)
}
const range = { seed, from, to }
const result = target ? await fuzzBytes(target, range, before) : fuzz(range, before)
const peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
const seconds = Math.round((performance.now() - began) / 1000)
process.stdout.write(`${JSON.stringify({ target: values.target, ...range, seconds, peakMb, ...result })}\n`)
process.exit(result.failures.length > 0 ? 1 : 0)

function say({ runs: done, failures, slowest, slowestMs, checksum }: Progress): void {
  const slow = `slowest ${Math.round(slowestMs)} ms (case ${slowest})`
  process.stderr.write(
    `next --from ${from + done}, failed ${failures.length}, ${slow}${checksum === undefined ? '' : `, checksum ${checksum}`}\n`,
  )
  for (; said < failures.length; said++) process.stderr.write(`${failures[said]}\n`)
}

/** A thread of its own: it can still speak when the loader does not come back. */
function watchForHangs(at: Int32Array): void {
  const code = `
    const { workerData: at } = require('node:worker_threads')
    let last = -1
    setInterval(() => {
      if (at[0] === last) {
        require('node:fs').writeSync(2, 'case ' + last + ' takes more than 30 s\\n')
        process.kill(process.pid, 'SIGKILL')
      }
      last = at[0]
    }, 30_000)`
  new Worker(code, { eval: true, workerData: at }).unref()
}
