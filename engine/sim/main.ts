import { search, type Trial } from './agree.ts'

/** `npm run sim -- --seed N --minutes M`: compares the two engines, and the fast one with itself under faults, with ever new seeds until the time is up. */
async function main(args: readonly string[]): Promise<number> {
  const option = (name: string, usual: number) => {
    const at = args.indexOf(`--${name}`)
    return at < 0 ? usual : Number(args[at + 1])
  }
  const minutes = option('minutes', 1)
  const endMs = performance.now() + minutes * 60_000
  const first = option('seed', 1)
  const plans: { trial: Trial; stepsMax: number; runs: number }[] = [
    { trial: 'none', stepsMax: 120, runs: 40 },
    { trial: 'one', stepsMax: 120, runs: 40 },
    { trial: 'all', stepsMax: 25, runs: 20 },
    { trial: 'faults', stepsMax: 120, runs: 40 },
    { trial: 'one', stepsMax: 1_000, runs: 4 },
    { trial: 'one', stepsMax: 10_000, runs: 1 }, // more than one chunk of rows
  ]
  let seed = first
  for (; performance.now() < endMs; seed++)
    for (const plan of plans) {
      const found = await search({ ...plan, seed })
      if (found === null) continue
      process.stdout.write(`${found}\n`)
      process.stderr.write(`sim: they disagree, replay with --seed ${seed}\n`)
      return 1
    }
  process.stderr.write(`sim: seeds ${first} to ${seed - 1} agree\n`)
  return 0
}

process.exitCode = await main(process.argv.slice(2))
